"""Cataloguing by systems ([M] Art. 9; R20): programs draft and change entries, people hand in, review and publish."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, url_for

from adapters.errors import InvalidInput
from directory.catalogue.compile import draft_next_version, draft_resource, edit_version
from directory.catalogue.content import entry_of, items_of
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import version
from directory.people.programs import with_duties
from portal.access import current_actor
from portal.api.catalogue import WHOLE, entry_body
from portal.api.endpoint import endpoint, version_one
from portal.edge import current_session

blueprint: Blueprint = version_one("compile")
VERSION = {
    "type": "object",
    "properties": {
        **WHOLE["properties"],
        "state": {"type": "string"},
        "lock_version": {"type": "integer", "description": "Send it back as `expected` with a change"},
        "changed_on": {"type": ["string", "null"], "format": "date"},
        "returned_for": {
            "type": "array",
            "items": {"type": "object", "properties": {"path": {"type": "string"}, "reason": {"type": "string"}}},
            "description": "What the reviewer wants changed, of a returned version",
        },
    },
}
_NOT_CONTENT = frozenset({"items", "changed_on", "expected"})


@blueprint.post("/resources")
@endpoint("Draft a catalogue entry", request="catalogue-entry", response=VERSION, status=201, creates=True)
def create(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The entry gets its code at once. It needs the role COMPILER of the official who answers for the program; a
    compiler hands the draft in for review."""
    session = current_session()
    return _made(draft_resource(session, with_duties(session, current_actor()), _entry(body), body["items"]))


@blueprint.post("/resources/<uuid:resource_id>/versions")
@endpoint("Draft the next version of an entry", request="catalogue-entry", response=VERSION, status=201, creates=True)
def create_next(resource_id: uuid.UUID, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The published version stays in force until this one is published; `changed_on` is the day of the change."""
    session = current_session()
    if not body.get("changed_on"):
        sentence = "Enter the day on which the described thing changed."
        raise InvalidInput("version.changed_on", sentence, [{"pointer": "/changed_on", "message": sentence}])
    changed_on = date.fromisoformat(body["changed_on"])
    actor = with_duties(session, current_actor())
    return _made(draft_next_version(session, actor, resource_id, changed_on, _entry(body), body["items"]))


@blueprint.get("/resource-versions/<uuid:version_id>")
@endpoint("One version of a catalogue entry with its data items", response=VERSION)
def show(version_id: uuid.UUID) -> dict[str, Any]:
    """A published version, or a draft of the caller's agency."""
    session = current_session()
    return _body(version(session, with_duties(session, current_actor()), version_id))


@blueprint.put("/resource-versions/<uuid:version_id>")
@endpoint("Change a draft or returned version", request="catalogue-entry", response=VERSION)
def change(version_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Everything it says is replaced; with `expected`, only if nobody changed it since."""
    session = current_session()
    actor = with_duties(session, current_actor())
    return _body(edit_version(session, actor, version_id, _entry(body), body["items"], expected=body.get("expected")))


def _entry(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _NOT_CONTENT}


def _made(made: ResourceVersion) -> tuple[dict[str, Any], str]:
    return _body(made), url_for("api_compile.show", version_id=made.id)


def _body(found: ResourceVersion) -> dict[str, Any]:
    returned = found.reviews[-1].reasons if found.state == "RETURNED" and found.reviews else []
    more = {"state": found.state, "lock_version": found.lock_version, "changed_on": found.changed_on}
    return entry_of(found) | entry_body(found) | more | {"items": items_of(found), "returned_for": returned}
