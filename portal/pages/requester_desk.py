"""The requester's desk: my applications, data that arrived, what expires."""

from collections.abc import Sequence
from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.clock import case_today
from audit.actor import Actor
from directory.calendars.queries import calendars
from directory.people.roles import Role
from exchange.applications.deadlines import days_left
from exchange.applications.models import ApplicationState
from exchange.applications.queries import counts, mine
from exchange.desk import arrived, expiring, grants_in_use
from exchange.grants.models import Grant
from portal.languages import N_
from portal.names import agency_names
from portal.pages.frame import DeskItem, DeskSection

SOON = timedelta(days=60)
SHOWN = 10


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What a requester finds on the desk."""
    if not actor.has(Role.REQUESTER):
        return []
    return [_applications(actor, session), _arrived(actor, session), *_grants(actor, session)]


def _applications(actor: Actor, session: Session) -> DeskSection:
    states = counts(session, actor).mine
    rows = [row for row in mine(session, actor, limit=3 * SHOWN).items if row.state != ApplicationState.CLOSED][:SHOWN]
    names = agency_names(session, {row.provider_id for row in rows})
    return DeskSection(
        title=N_("My agency's applications"),
        items=[
            DeskItem(
                href=url_for("applications.show", application_id=row.id),
                title=row.resource_name,
                detail=f"{row.number or _('Draft')} · {names[row.provider_id]}",
                state=row.state,
                kind="ApplicationState",
                due_on=row.due_on if row.days_left is not None else None,
                working_days_left=row.days_left,
            )
            for row in rows
        ],
        total=sum(count for state, count in states.items() if state != ApplicationState.CLOSED),
        more=url_for("applications.index", view="mine"),
        empty=N_("Search the catalogue, open an entry and choose “Apply”; your applications are followed here."),
        order=20,
    )


def _arrived(actor: Actor, session: Session) -> DeskSection:
    heap = arrived(session, actor)
    return DeskSection(
        title=N_("Data that arrived"),
        items=[
            DeskItem(
                href=url_for("deliveries.show", delivery_id=each.id),
                title=each.grant.resource_version.name,
                detail=f"{each.number} · {each.matter}",
                state=each.state,
                kind="DeliveryState",
                since=each.prepared_at,
            )
            for each in heap.items
        ],
        total=heap.total,
        more=url_for("deliveries.index"),
        empty=N_("Files and packages that you asked for under a grant arrive here."),
        order=25,
    )


def _grants(actor: Actor, session: Session) -> list[DeskSection]:
    today = case_today(session)
    ending, held = expiring(session, actor, today + SOON), grants_in_use(session, actor)
    known = calendars(session)

    def item(grant: Grant, due: bool) -> DeskItem:
        left = days_left(grant.valid_to, today, known) if due and grant.valid_to else None
        return DeskItem(
            href=url_for("grants.show", grant_id=grant.id),
            title=grant.resource_version.name,
            detail=grant.number,
            state="" if due else grant.state,
            kind="GrantState",
            due_on=grant.valid_to if due else None,
            working_days_left=left,
        )

    sections = [
        DeskSection(
            title=N_("Grants in use"),
            items=[item(grant, False) for grant in held.items],
            total=held.total,
            more=url_for("grants.index"),
            order=30,
        )
    ]
    if ending.total:
        sections.append(
            DeskSection(
                title=N_("Grants that expire within 60 days"),
                items=[item(grant, True) for grant in ending.items],
                total=ending.total,
                more=url_for("grants.index"),
                order=28,
            )
        )
    return sections
