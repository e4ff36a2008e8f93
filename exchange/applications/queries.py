"""Applications as the requester, the provider and the supervising offices read them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from adapters.clock import case_today
from adapters.listing import Listing, Order
from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from directory import permissions
from directory.calendars.queries import calendars
from directory.catalogue.models import ResourceVersion
from exchange.agreements.models import Agreement
from exchange.applications import load
from exchange.applications.deadlines import RUNNING, days_left
from exchange.applications.decisions import ItemDecision, decisions
from exchange.applications.models import Answer, AnswerItem, Application, ApplicationItem, ApplicationState
from exchange.applications.steps import Step, steps_of
from exchange.disputes.models import Dispute
from exchange.grants.models import Grant
from schemas.working_days import Calendar

Belonging = TypeVar("Belonging", Agreement, Grant, Dispute)
_NEWEST = (Application.created_at, Application.id)
_EARLIEST_DUE = (Application.due_on, Application.id)
_DUE_OR_LAST = (func.coalesce(Application.due_on, date.max), Application.id)
_MOST_BELONGING = 50


@dataclass(frozen=True)
class ApplicationRow:
    """An application in a list. ``days_left`` counts working days, is negative when overdue and None when nothing is
    owed."""

    id: uuid.UUID
    number: str | None
    state: str
    requester_id: uuid.UUID
    requester_name: str
    provider_id: uuid.UUID
    provider_name: str
    resource_name: str
    resource_code: str
    items: int
    created_at: datetime
    received_on: date | None
    due_on: date | None
    due_provisional: bool
    days_left: int | None

    @property
    def overdue(self) -> bool:
        """Whether the day on which an answer was due is past."""
        return self.days_left is not None and self.days_left < 0


@dataclass(frozen=True)
class DeskCounts:
    """How many applications there are by state, of one's own and of those to one's agency, and how many are overdue."""

    mine: Mapping[str, int]
    to_provider: Mapping[str, int]
    overdue: int


@dataclass(frozen=True)
class ApplicationDetail:
    """An application with all that belongs to its case, and the steps the actor may take now."""

    application: Application
    row: ApplicationRow
    decisions: tuple[ItemDecision, ...]
    agreements: tuple[Agreement, ...]
    grants: tuple[Grant, ...]
    disputes: tuple[Dispute, ...]
    steps: frozenset[Step]


def mine(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ApplicationRow]:
    """Applications of the actor's agency, newest first."""
    chosen = {"state": [state]} if state else {}
    return rows(session, own(actor).page(session, chosen, cursor=cursor, limit=limit))


def own(actor: Actor) -> Listing[Application]:
    """Applications of the actor's agency, as a list to narrow and to order."""
    return _listing(Application.requester_id == actor.agency_id)


def received(actor: Actor) -> Listing[Application]:
    """Applications to the actor's agency whose form is generated, as a list to narrow and to order."""
    return _listing((Application.provider_id == actor.agency_id) & Application.form_digest.is_not(None))


def to_provider(
    session: Session,
    actor: Actor,
    *,
    state: str | None = None,
    waiting: bool = False,
    cursor: str | None = None,
    limit: int = USUAL_PAGE,
) -> Page[ApplicationRow]:
    """Applications to the actor's agency whose form is generated, newest first.

    Args:
        waiting: only those to which it owes an answer, the earliest due first.
    """
    if not waiting:
        return rows(
            session,
            received(actor).page(session, {"state": [state]} if state else {}, cursor=cursor, limit=limit),
        )
    owed = _listed(Application.provider_id == actor.agency_id, state)
    owed = owed.where(Application.state.in_(RUNNING), Application.due_on.is_not(None))
    return rows(session, page_of(session, owed, _EARLIEST_DUE, cursor=cursor, limit=limit))


def overdue(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ApplicationRow]:
    """Every application whose answer is overdue, the longest overdue first. Nothing is decided by it (R40).

    Raises:
        NotAllowed: neither the coordinating office nor the regulator nor an auditor.
    """
    return rows(session, late(session, actor).page(session, cursor=cursor, limit=limit))


def late(session: Session, actor: Actor) -> Listing[Application]:
    """Every application whose answer is overdue, as a list to narrow and to order; the longest overdue come first.

    Raises:
        NotAllowed: as for ``overdue``.
    """
    permissions.require(permissions.supervise(actor))
    return _listing(_overdue(case_today(session)), first="due")


def of_all(actor: Actor) -> Listing[Application]:
    """Every agency's applications whose form is generated, as a list to narrow and to order.

    Raises:
        NotAllowed: as for ``overdue``.
    """
    permissions.require(permissions.supervise(actor))
    return _listing(Application.form_digest.is_not(None))


def overdue_count(session: Session) -> int:
    """How many answers are overdue in all; the caller has seen that the actor supervises."""
    return session.scalar(select(func.count()).select_from(Application).where(_overdue(case_today(session)))) or 0


def counts(session: Session, actor: Actor) -> DeskCounts:
    """How many applications the actor's agency has, and has before it."""
    to_me = Application.provider_id == actor.agency_id
    late = select(func.count()).select_from(Application).where(to_me, _overdue(case_today(session)))
    return DeskCounts(
        mine=_by_state(session, Application.requester_id == actor.agency_id),
        to_provider=_by_state(session, to_me & Application.form_digest.is_not(None)),
        overdue=session.scalar(late) or 0,
    )


def rows(session: Session, page: Page[Application]) -> Page[ApplicationRow]:
    """A page of a listing, with the working days that are left of each."""
    today, known = case_today(session), calendars(session)
    return Page(tuple(_row(application, today, known) for application in page.items), page.next_cursor)


def detail(session: Session, actor: Actor, application_id: uuid.UUID) -> ApplicationDetail:
    """One application with everything that belongs to its case.

    Raises:
        NotFound: there is none, or it is another agency's draft.
        NotAllowed: it is between two other agencies.
    """
    application = session.get(Application, application_id, options=_loaded())
    if application is None:
        raise load.unknown()
    if application.state == ApplicationState.DRAFT and actor.agency_id != application.requester_id:
        raise load.unknown()
    permissions.require(permissions.see_case(actor, application.requester_id, application.provider_id))
    agreements = _belonging(session, Agreement, Agreement.application_id == application.id)
    grants = _belonging(session, Grant, Grant.application_id == application.id)
    disputes = _belonging(session, Dispute, Dispute.application_id == application.id)
    today, known = case_today(session), calendars(session)
    return ApplicationDetail(
        application=application,
        row=_row(application, today, known),
        decisions=decisions(application),
        agreements=agreements,
        grants=grants,
        disputes=disputes,
        steps=steps_of(actor, application, agreements, grants, disputes),
    )


def _belonging(session: Session, entity: type[Belonging], condition: ColumnElement[bool]) -> tuple[Belonging, ...]:
    return tuple(session.scalars(select(entity).where(condition).order_by(entity.number).limit(_MOST_BELONGING)))


def _overdue(today: date) -> ColumnElement[bool]:
    return Application.state.in_(RUNNING) & (Application.due_on < today)


def _by_state(session: Session, whose: ColumnElement[bool]) -> dict[str, int]:
    counted = select(Application.state, func.count()).where(whose).group_by(Application.state)
    return {state: count for state, count in session.execute(counted)}


def _listing(whose: ColumnElement[bool], first: str = "newest") -> Listing[Application]:
    orders = {"newest": Order(_NEWEST, descending=True), "oldest": Order(_NEWEST), "due": Order(_DUE_OR_LAST)}
    return Listing(
        select(Application).where(whose),
        {"state": Application.state, "provider": Application.provider_id, "requester": Application.requester_id},
        {first: orders[first]} | orders,
        (*_named(), selectinload(Application.items)),
    )


def _listed(whose: ColumnElement[bool], state: str | None) -> Select[Application]:
    statement = select(Application).where(whose)
    if state:
        statement = statement.where(Application.state == state)
    return statement.options(*_named(), selectinload(Application.items))


def _named() -> tuple[ORMOption, ...]:
    version = joinedload(Application.resource_version)
    return (
        joinedload(Application.requester),
        joinedload(Application.provider),
        version.joinedload(ResourceVersion.resource),
    )


def _loaded() -> tuple[ORMOption, ...]:
    return (
        *_named(),
        selectinload(Application.items).joinedload(ApplicationItem.data_item),
        selectinload(Application.hand_overs),
        selectinload(Application.answers).selectinload(Answer.items).joinedload(AnswerItem.data_item),
    )


def _row(application: Application, today: date, known: Sequence[Calendar]) -> ApplicationRow:
    version = application.resource_version
    owed = application.state in RUNNING and application.due_on is not None
    return ApplicationRow(
        id=application.id,
        number=application.number,
        state=application.state,
        requester_id=application.requester_id,
        requester_name=application.requester.name,
        provider_id=application.provider_id,
        provider_name=application.provider.name,
        resource_name=version.name,
        resource_code=version.resource.code,
        items=len(application.items),
        created_at=application.created_at,
        received_on=application.received_on,
        due_on=application.due_on,
        due_provisional=application.due_provisional,
        days_left=days_left(application.due_on, today, known) if owed and application.due_on else None,
    )
