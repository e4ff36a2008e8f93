"""The coordinating office's desk: disputes and overdue answers of every agency."""

from collections.abc import Sequence

from flask import url_for
from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.people.queries import agencies_without_administrator
from directory.people.roles import Role
from exchange.applications.models import Application
from exchange.applications.queries import overdue, overdue_count
from exchange.desk import disputes_open
from portal.languages import N_
from portal.names import agency_name, agency_names
from portal.pages.frame import DeskItem, DeskSection

SHOWN = 10


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What the office and the regulator find on the desk."""
    if not actor.has(Role.COORDINATOR, Role.REGULATOR):
        return []
    sections = [_overdue(actor, session)]
    if actor.has(Role.COORDINATOR):
        sections.append(_disputes(session))
    if actor.has(Role.REGULATOR):
        sections.append(_unfiled(session))
    return sections


def _disputes(session: Session) -> DeskSection:
    heap = disputes_open(session)
    return DeskSection(
        title=N_("Disputes to coordinate"),
        items=[
            DeskItem(
                href=url_for("disputes.show", dispute_id=each.id),
                title=each.application.resource_version.name,
                detail=f"{each.number} · {_sides(each.application)}",
                state=each.state,
                kind="DisputeState",
                since=each.raised_at,
            )
            for each in heap.items
        ],
        total=heap.total,
        more=url_for("disputes.index", view="open"),
        empty=N_("No dispute waits. One appears here when a requester objects to an answer."),
        order=10,
    )


def _unfiled(session: Session) -> DeskSection:
    """Agencies whose data administrator the regulator has not on file ([M] Art. 21)."""
    page = agencies_without_administrator(session, limit=SHOWN)
    return DeskSection(
        title=N_("Agencies without a data administrator on file"),
        items=[
            DeskItem(url_for("agencies.show", agency_id=each.id), agency_name(each), each.credit_code)
            for each in page.items
        ],
        total=len(page.items),
        at_least=page.next_cursor is not None,
        empty=N_("Every agency's data administrator is on file."),
        order=12,
    )


def _sides(application: Application) -> str:
    return f"{agency_name(application.requester)} → {agency_name(application.provider)}"


def _overdue(actor: Actor, session: Session) -> DeskSection:
    rows = overdue(session, actor, limit=SHOWN).items
    names = agency_names(session, {side for row in rows for side in (row.requester_id, row.provider_id)})
    return DeskSection(
        title=N_("Overdue answers"),
        items=[
            DeskItem(
                href=url_for("applications.show", application_id=row.id),
                title=row.resource_name,
                detail=f"{row.number} · {names[row.requester_id]} → {names[row.provider_id]}",
                state=row.state,
                kind="ApplicationState",
                due_on=row.due_on,
                working_days_left=row.days_left,
            )
            for row in rows
        ],
        total=len(rows) if len(rows) < SHOWN else overdue_count(session),
        more=url_for("applications.index", view="overdue"),
        empty=N_("No agency owes an answer beyond its term."),
        order=11,
    )
