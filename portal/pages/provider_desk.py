"""The provider's desk: applications that wait for an answer, forms whose paper has not come, needs."""

import uuid
from collections.abc import Mapping, Sequence

from flask import url_for
from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.people.roles import Role
from exchange.applications.deadlines import RUNNING
from exchange.applications.models import ApplicationState
from exchange.applications.queries import ApplicationRow, counts, to_provider
from exchange.desk import disputes_of, needs_to_answer
from portal.languages import N_
from portal.names import agency_names
from portal.pages.frame import DeskItem, DeskSection

SHOWN = 10


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What an answerer finds on the desk."""
    if not actor.has(Role.ANSWERER):
        return []
    states = counts(session, actor).to_provider
    waiting = to_provider(session, actor, waiting=True, limit=SHOWN).items
    unreceived = to_provider(session, actor, state=ApplicationState.FORM_GENERATED, limit=SHOWN).items
    names = agency_names(session, {row.requester_id for row in (*waiting, *unreceived)})
    return [
        DeskSection(
            title=N_("Applications waiting for an answer"),
            items=[_item(row, names) for row in waiting],
            total=sum(states.get(state, 0) for state in RUNNING),
            more=url_for("applications.index", view="received"),
            empty=N_("No answer is owed. The term of an application starts when you register its written form."),
            order=10,
        ),
        DeskSection(
            title=N_("Forms generated, paper not received yet"),
            items=[_item(row, names) for row in unreceived],
            total=states.get(ApplicationState.FORM_GENERATED, 0),
            more=url_for("applications.index", view="received", state=ApplicationState.FORM_GENERATED),
            order=12,
        ),
        _disputes(actor, session),
        _needs(actor, session),
    ]


def _item(row: ApplicationRow, names: Mapping[uuid.UUID, str]) -> DeskItem:
    return DeskItem(
        href=url_for("applications.show", application_id=row.id),
        title=row.resource_name,
        detail=f"{row.number} · {names[row.requester_id]}",
        state=row.state,
        kind="ApplicationState",
        due_on=row.due_on if row.days_left is not None else None,
        working_days_left=row.days_left,
    )


def _disputes(actor: Actor, session: Session) -> DeskSection:
    heap = disputes_of(session, actor)
    return DeskSection(
        title=N_("Disputes my agency takes part in"),
        items=[
            DeskItem(
                href=url_for("disputes.show", dispute_id=each.id),
                title=each.application.resource_version.name,
                detail=each.number,
                state=each.state,
                kind="DisputeState",
                since=each.raised_at,
            )
            for each in heap.items
        ],
        total=heap.total,
        more=url_for("disputes.index", view="mine"),
        order=14,
    )


def _needs(actor: Actor, session: Session) -> DeskSection:
    heap = needs_to_answer(session, actor)
    names = agency_names(session, {need.requester_id for need in heap.items})
    return DeskSection(
        title=N_("Needs to answer"),
        items=[
            DeskItem(
                href=url_for("needs.show", need_id=need.id),
                title=need.description[:80],
                detail=f"{need.number} · {names[need.requester_id]}",
                state=need.state,
                kind="NeedState",
                since=need.raised_at,
            )
            for need in heap.items
        ],
        total=heap.total,
        more=url_for("needs.index", view="asked"),
        order=16,
    )
