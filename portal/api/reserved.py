"""Acts that the rules keep for people: a program that tries gets 403 with the reason, and the try leaves evidence."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from adapters.errors import NotAllowed
from portal.api.endpoint import endpoint, version_one

blueprint: Blueprint = version_one("reserved")
ACTS = {
    "/resource-versions/<uuid:version_id>/submission": (
        "Hand an entry in for review",
        NotAllowed(
            "reserved.submission",
            "The person named for compiling hands an entry in for review ([M] Art. 10). Sign in to the portal as one.",
        ),
    ),
    "/resource-versions/<uuid:version_id>/review": (
        "Review an entry",
        NotAllowed(
            "reserved.review",
            "The person named for reviewing reviews an entry, one by one ([M] Art. 10). Sign in to the portal as one.",
        ),
    ),
    "/resource-versions/<uuid:version_id>/secrecy-review": (
        "Record the secrecy review of an entry",
        NotAllowed(
            "reserved.secrecy_review",
            "A person of the providing agency reviews entries for secrecy ([M] Art. 19). Sign in to the portal as one.",
        ),
    ),
    "/resource-versions/<uuid:version_id>/publication": (
        "Publish an entry",
        NotAllowed(
            "reserved.publication",
            "A compiler or reviewer publishes an entry after its reviews ([M] Art. 10). Sign in to the portal as one.",
        ),
    ),
    "/applications/<uuid:application_id>/hand-over": (
        "Record that the written form was handed over",
        NotAllowed(
            "reserved.hand_over",
            "The form goes to the provider in writing, and the person who handed it over records it ([M] Art. 15). "
            "Sign in to the portal as one with the role REQUESTER.",
        ),
    ),
    "/applications/<uuid:application_id>/receipt": (
        "Register the receipt of the written form",
        NotAllowed(
            "reserved.receipt",
            "The person who received the written form registers its receipt, since days run from it ([M] Art. 15). "
            "Sign in to the portal as one with the role ANSWERER.",
        ),
    ),
    "/applications/<uuid:application_id>/answer": (
        "Answer an application",
        NotAllowed(
            "reserved.answer",
            "A person decides for the provider and gives the reasons ([M] Art. 15). Sign in to the portal as one with "
            "the role ANSWERER.",
        ),
    ),
    "/agreements/<uuid:agreement_id>/signature": (
        "Sign an agreement",
        NotAllowed(
            "reserved.signature",
            "A signatory signs the agreement with the agency's key ([M] Art. 15). Sign in to the portal as one.",
        ),
    ),
}
"""Path, what it would be, and what a program is told."""


def _declare(path: str, summary: str, error: NotAllowed) -> None:
    name = error.code.removeprefix("reserved.")

    def refuse(**_ids: Any) -> None:
        raise NotAllowed(error.code, error.sentence)

    refuse.__name__, refuse.__doc__ = name, f"{error.sentence} A program always gets 403."
    view: Callable[..., Any] = endpoint(f"{summary}: for people only", response="problem", status=403)(refuse)
    blueprint.add_url_rule(path, name, view, methods=["POST"])


for _path, (_summary, _error) in ACTS.items():
    _declare(_path, _summary, _error)
