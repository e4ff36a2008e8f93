"""Secrecy agreements: the text in both languages, the exact bytes to sign, both sides' signatures."""

import base64
import binascii
import uuid
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from directory.keys.models import AgencyKey, KeyPurpose
from directory.keys.queries import current_key
from directory.keys.signing import signature_from_text
from directory.people.queries import person_names
from directory.people.roles import Role
from exchange.agreements import queries
from exchange.agreements.models import Agreement
from exchange.agreements.sign import sign, signing_bytes
from exchange.agreements.terminate import terminate
from exchange.applications.queries import detail as application_detail
from portal import fields
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.edge import current_session
from portal.filters import day
from portal.labels import label
from portal.languages import N_
from portal.lists import Column, Facet, as_they_are, listed
from portal.names import agency_names
from portal.pages.case import step_open, take
from portal.pages.frame import NavigationEntry, Pages
from portal.pages.signatory_desk import desk_sections

blueprint = Blueprint("agreements", __name__, url_prefix="/agreements")
LARGEST_SIGNATURE = 4_096
FACETS = (
    Facet("state", N_("State"), "AgreementState"),
    Facet("provider", N_("Provider")),
    Facet("requester", N_("Requesting agency")),
)
COLUMNS: tuple[Column[Agreement], ...] = (
    (N_("Number"), lambda agreement, names: agreement.number),
    (N_("Entry"), lambda agreement, names: agreement.document["resource"]["name"]),
    (N_("Provider"), lambda agreement, names: agreement.document["provider"]["name"]),
    (N_("Requesting agency"), lambda agreement, names: agreement.document["requester"]["name"]),
    (N_("State"), lambda agreement, names: label(agreement.state, "AgreementState")),
    (N_("Signatures"), lambda agreement, names: len(agreement.signatures)),
    (N_("Valid to"), lambda agreement, names: day(agreement.valid_to)),
)


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> ResponseReturnValue:
    """Agreements of my agency."""
    listing = queries.own(current_actor())
    return listed("agreements/index.html", N_("Agreements"), listing, as_they_are, FACETS, COLUMNS)


@blueprint.get("/<uuid:agreement_id>")
@access(SIGNED_IN)
def show(agreement_id: uuid.UUID) -> str:
    """One agreement as both sides read it."""
    return render_template("agreements/show.html", **_page(agreement_id))


@blueprint.get("/<uuid:agreement_id>/text")
@access(SIGNED_IN)
def text(agreement_id: uuid.UUID) -> Response:
    """The exact bytes that are signed: the document in canonical JSON (RFC 8785)."""
    agreement = queries.detail(current_session(), current_actor(), agreement_id)
    answer = Response(signing_bytes(agreement), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{agreement.number}.json"'
    return answer


@blueprint.post("/<uuid:agreement_id>/sign")
@access(roles(Role.SIGNATORY))
def sign_(agreement_id: uuid.UUID) -> ResponseReturnValue:
    """Take my agency's signature over the text."""
    return _step(
        agreement_id,
        "sign",
        lambda: sign(current_session(), current_actor(), agreement_id, signature=_signature()),
        _("Your agency's signature is recorded."),
    )


@blueprint.post("/<uuid:agreement_id>/terminate")
@access(roles(Role.SIGNATORY))
def terminate_(agreement_id: uuid.UUID) -> ResponseReturnValue:
    """Terminate the agreement, or turn down a proposed one."""
    reason = request.form.get("reason", "")
    return _step(
        agreement_id,
        "terminate_agreement",
        lambda: terminate(current_session(), current_actor(), agreement_id, reason=reason),
        _("The agreement has ended, and the grant under it too."),
    )


def _signature() -> bytes:
    """The signature as pasted (base64) or as uploaded (base64 text, or 64 raw bytes)."""
    file = fields.uploaded("signature_file", LARGEST_SIGNATURE)
    if len(file) == 64:
        return file
    try:
        uploaded = file.decode("ascii").strip()
        base64.b64decode(uploaded, validate=True)
    except (UnicodeDecodeError, binascii.Error):
        uploaded = "?"
    return signature_from_text(uploaded or request.form.get("signature", ""))


def _step(agreement_id: uuid.UUID, step: str, act: Any, done: str) -> ResponseReturnValue:
    onwards = url_for("agreements.show", agreement_id=agreement_id)
    return take(act, done, onwards, "agreements/show.html", lambda: _page(agreement_id, step))


def _page(agreement_id: uuid.UUID, step: str = "") -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    agreement: Agreement = queries.detail(session, actor, agreement_id)
    application = agreement.application
    detail = application_detail(session, actor, application.id)
    sides = (application.provider_id, application.requester_id)
    steps = set()
    if actor.has(Role.SIGNATORY) and actor.agency_id in sides and agreement.state != "TERMINATED":
        steps.add("TERMINATE_AGREEMENT")
        if agreement.state == "PROPOSED" and all(s.agency_id != actor.agency_id for s in agreement.signatures):
            steps.add("SIGN")
    keys = {each.agency_id: session.get_one(AgencyKey, each.key_id) for each in agreement.signatures}
    mine = current_key(session, actor.agency_id, KeyPurpose.SIGN) if "SIGN" in steps and actor.agency_id else None
    return {
        "agreement": agreement,
        "document": agreement.document,
        "application": application,
        "row": detail.row,
        "steps": steps,
        "step": step if step.upper() in steps else step_open(steps) or ("sign" if "SIGN" in steps else ""),
        "sides": sides,
        "signed": {each.agency_id: each for each in agreement.signatures},
        "keys": keys,
        "my_key": mine,
        "agencies": agency_names(session, set(sides)),
        "names": person_names(session, {each.signed_by for each in agreement.signatures}),
        "grant": next((grant for grant in detail.grants if grant.agreement_id == agreement.id), None),
    }


PAGES = Pages(
    blueprint,
    navigation=(NavigationEntry(N_("Agreements"), "agreements.index", order=24, shown_to=roles(Role.SIGNATORY)),),
    desk_sections=desk_sections,
)
