"""Destroying personal details beside evidence: asked for on a legal basis, decided by another person."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.errors import ShuniuError
from audit.actor import Actor
from audit.destruction.ask import Grounds, ask_for_entry, ask_for_subject
from audit.destruction.decide import confirm, decline
from audit.destruction.models import DestructionState
from audit.destruction.queries import requests, undecided
from audit.models import Evidence
from audit.queries import log_state
from audit.retention import legal_floor_years
from audit.subjects.blind import SubjectKind
from audit.subjects.shown import LONGEST_NUMBER
from directory.people.accounts import require_two_people
from directory.people.queries import person_names
from directory.people.roles import Role
from directory.permissions import Allowed, ask_destruction, decide_destruction, require
from portal import fields
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.forms import form_again
from portal.inputs import identifier
from portal.languages import N_
from portal.pages.frame import DeskItem, DeskSection, Pages

blueprint = Blueprint("destructions", __name__, url_prefix="/evidence/destructions")
SHOWN = 10
READERS = (Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)
TEMPLATE = "evidence/destructions.html"


@blueprint.get("/")
@access(roles(*READERS))
def index() -> str:
    """All requests, and the form for another one or for declining one."""
    return render_template(TEMPLATE, **_page(current_session(), request.args.get("decline", "")))


@blueprint.post("/")
@access(roles(*READERS))
def ask() -> ResponseReturnValue:
    """Ask for a destruction: of one entry's details, or of a data subject's."""
    session, actor, form = current_session(), current_actor(), request.form
    require(ask_destruction(actor), "personal.destruction_asked", "route/destructions.ask")
    require_two_people(session, actor)
    grounds = Grounds(fields.basis("basis"), form.get("early_basis", ""), form.get("reason", ""))
    try:
        if form.get("entry"):
            ask_for_entry(session, actor, identifier(form["entry"]), grounds)
        else:
            ask_for_subject(session, actor, fields.word("kind", SubjectKind), form.get("value", ""), grounds)
    except ShuniuError as error:
        return form_again(error, TEMPLATE, **_page(session))
    flash(_("Asked for. Another person decides about it."), "success")
    return redirect(url_for("destructions.index"), 303)


@blueprint.post("/<uuid:destruction_id>/confirm")
@access(roles(*READERS))
def confirmed(destruction_id: uuid.UUID) -> ResponseReturnValue:
    """Destroy what was asked for."""
    require_two_people(current_session(), current_actor())
    found = confirm(current_session(), current_actor(), destruction_id)
    if found.state == DestructionState.ASKED:
        flash(_("%(count)s entries are done, and more are left. Confirm again to go on.", count=found.destroyed))
    else:
        flash(_("The personal details of %(count)s entries are destroyed.", count=found.destroyed), "success")
    return redirect(url_for("destructions.index"), 303)


@blueprint.post("/<uuid:destruction_id>/decline")
@access(roles(*READERS))
def declined(destruction_id: uuid.UUID) -> ResponseReturnValue:
    """Leave everything as it is."""
    require_two_people(current_session(), current_actor())
    try:
        decline(current_session(), current_actor(), destruction_id, request.form.get("reason", ""))
    except ShuniuError as error:
        return form_again(error, TEMPLATE, **_page(current_session(), str(destruction_id)))
    flash(_("Declined. Everything stays as it is."), "success")
    return redirect(url_for("destructions.index"), 303)


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """Requests that wait for the decision of whoever looks."""
    if not actor.has(*READERS):
        return []
    heap = undecided(session, actor.person_id, SHOWN)
    names = person_names(session, {each.asked_by for each in heap.items})
    items = [
        DeskItem(
            href=f"{url_for('destructions.index')}#destruction-{each.id}",
            title=_("Details of one entry") if each.entry_id else _("All entries that name one subject"),
            detail=_("Asked for by %(person)s", person=names.get(each.asked_by, "—")),
            since=each.asked_at,
        )
        for each in heap.items
    ]
    return [DeskSection(N_("Destructions to decide"), items, heap.total, url_for("destructions.index"), order=9)]


def _page(session: Session, declining: str = "") -> dict[str, Any]:
    actor, page = current_actor(), requests(session, request.args.get("cursor"))
    may_decide = {
        each.id
        for each in page.items
        if each.state == DestructionState.ASKED and isinstance(decide_destruction(actor, each.asked_by), Allowed)
    }
    people = {each.asked_by for each in page.items} | {each.decided_by for each in page.items if each.decided_by}
    return {
        "page": page,
        "log": log_state(session),
        "people": person_names(session, people),
        "may_ask": isinstance(ask_destruction(actor), Allowed),
        "may_decide": may_decide,
        "declining": next((each for each in page.items if str(each.id) == declining and each.id in may_decide), None),
        "entry": _entry(session, request.values.get("entry", "")),
        "kinds": list(SubjectKind),
        "longest_number": LONGEST_NUMBER,
        "years": legal_floor_years(),
    }


def _entry(session: Session, text: str) -> Evidence | None:
    """The entry whose details are to be destroyed; None when the address names none."""
    try:
        return session.get(Evidence, uuid.UUID(text))
    except ValueError:
        return None


PAGES = Pages(blueprint, desk_sections=desk_sections)
