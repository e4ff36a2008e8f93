"""Changes of what an entry describes: recorded on its page, on the desk until the entry is updated (R28)."""

import uuid
from collections.abc import Sequence

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.clock import case_today
from audit.actor import Actor
from directory.calendars.queries import calendars
from directory.catalogue.change import changes_due, overdue_changes, record_change
from directory.catalogue.models import CatalogueChange
from directory.catalogue.queries import published_version
from directory.people.roles import Role
from exchange.applications.deadlines import days_left
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.languages import N_
from portal.names import agency_name
from portal.pages.compile import day_from_form
from portal.pages.frame import DeskItem, DeskSection, Pages

blueprint = Blueprint("changes", __name__, url_prefix="/changes")
SHOWN = 10


@blueprint.post("/<uuid:resource_id>")
@access(roles(Role.COMPILER))
def record(resource_id: uuid.UUID) -> ResponseReturnValue:
    """Record that what an entry describes has changed, and when."""
    what = request.form.get("what", "")
    change = record_change(
        current_session(), current_actor(), resource_id, happened_on=day_from_form("happened_on"), what=what
    )
    flash(_("Recorded. Hand in the next version by %(day)s.", day=change.due_on.isoformat()), "success")
    return redirect(url_for("catalogue.show", resource_id=resource_id, tab="versions"), 303)


def _desk(actor: Actor, session: Session) -> Sequence[DeskSection]:
    sections = []
    if actor.has(Role.COMPILER):
        page = changes_due(session, actor, limit=SHOWN)
        title = N_("Changes due within two working days")
        sections.append(_section(session, title, page.items, page.next_cursor is not None, 13))
    if actor.has(Role.COORDINATOR, Role.REGULATOR):
        page = overdue_changes(session, limit=SHOWN)
        title = N_("Entries overdue for an update, of all agencies")
        sections.append(_section(session, title, page.items, page.next_cursor is not None, 15))
    return sections


def _section(session: Session, title: str, changes: Sequence[CatalogueChange], more: bool, order: int) -> DeskSection:
    today, known = case_today(session), calendars(session)
    items = [
        DeskItem(
            href=url_for("catalogue.show", resource_id=each.resource_id, tab="versions"),
            title=_name(session, each),
            detail=f"{each.resource.code} · {agency_name(each.resource.agency)} · {each.what[:80]}".removesuffix(" · "),
            due_on=each.due_on,
            working_days_left=days_left(each.due_on, today, known),
        )
        for each in changes
    ]
    return DeskSection(title=title, items=items, total=len(items), at_least=more, order=order)


def _name(session: Session, change: CatalogueChange) -> str:
    version = published_version(session, change.resource_id)
    return version.name if version is not None else change.resource.code


PAGES = Pages(blueprint, desk_sections=_desk)
