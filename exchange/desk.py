"""What waits for the people of an agency or of an office: the most urgent few of each heap, and how many there are."""

from datetime import date
from typing import TypeVar

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from adapters.listing import Heap
from audit.actor import Actor
from directory.permissions import operates_security
from exchange.agreements.models import Agreement, AgreementSignature, AgreementState
from exchange.applications.models import Application
from exchange.deliveries.models import Delivery, DeliveryState
from exchange.disputes.models import Dispute, DisputeState, Statement
from exchange.grants.models import Grant, GrantState, Suspender
from exchange.needs.models import Need, NeedState

T = TypeVar("T")
MOST = 10


def arrived(session: Session, actor: Actor) -> Heap[Delivery]:
    """Deliveries to the actor's agency that are ready or fetched, and not acknowledged; the oldest first."""
    states = (DeliveryState.PREPARED, DeliveryState.DELIVERED)
    waiting = select(Delivery).where(Delivery.agency_id == actor.agency_id, Delivery.state.in_(states))
    shown = waiting.options(joinedload(Delivery.grant).joinedload(Grant.resource_version))
    return _heap(session, shown.order_by(Delivery.requested_at, Delivery.id))


def grants_in_use(session: Session, actor: Actor) -> Heap[Grant]:
    """Active grants that the actor's agency applied for; those that expire soonest first."""
    held = select(Grant).where(Grant.requester_id == actor.agency_id, Grant.state == GrantState.ACTIVE)
    return _heap(session, held.options(joinedload(Grant.resource_version)).order_by(Grant.valid_to, Grant.id))


def expiring(session: Session, actor: Actor, until: date) -> Heap[Grant]:
    """Active grants of the actor's agency whose term ends by a day; the soonest first."""
    held = Grant.requester_id == actor.agency_id
    ending = select(Grant).where(held, Grant.state == GrantState.ACTIVE, Grant.valid_to <= until)
    return _heap(session, ending.options(joinedload(Grant.resource_version)).order_by(Grant.valid_to, Grant.id))


def suspended_for_security(session: Session, actor: Actor) -> Heap[Grant]:
    """Grants that only a security administrator resumes: at the operator all, elsewhere on the own agency's data."""
    held = select(Grant).where(Grant.state == GrantState.SUSPENDED, Grant.suspended_by == Suspender.SECURITY)
    if not operates_security(actor):
        held = held.where(Grant.provider_id == actor.agency_id)
    return _heap(session, held.options(joinedload(Grant.resource_version)).order_by(Grant.created_at, Grant.id))


def to_sign(session: Session, actor: Actor) -> Heap[Agreement]:
    """Agreements that wait for the signature of the actor's agency; the oldest first."""
    signed = select(AgreementSignature.agreement_id).where(AgreementSignature.agency_id == actor.agency_id)
    side = or_(Application.requester_id == actor.agency_id, Application.provider_id == actor.agency_id)
    waiting = Agreement.state == AgreementState.PROPOSED
    statement = select(Agreement).join(Application).where(side, waiting, Agreement.id.not_in(signed))
    return _heap(session, statement.order_by(Agreement.created_at, Agreement.id))


def needs_to_answer(session: Session, actor: Actor) -> Heap[Need]:
    """Needs that the actor's agency was asked for and has not answered; the oldest first."""
    raised = select(Need).where(Need.provider_id == actor.agency_id, Need.state == NeedState.RAISED)
    return _heap(session, raised.order_by(Need.raised_at, Need.id))


def disputes_open(session: Session) -> Heap[Dispute]:
    """Every dispute that waits for the coordinating office or the leading group; the oldest first."""
    return _heap(session, _open_disputes().order_by(Dispute.raised_at, Dispute.id))


def disputes_of(session: Session, actor: Actor) -> Heap[Dispute]:
    """Open disputes in which the actor's agency is a side or was asked; the oldest first."""
    asked = select(Statement.dispute_id).where(Statement.asked_id == actor.agency_id)
    side = or_(Application.requester_id == actor.agency_id, Application.provider_id == actor.agency_id)
    mine = _open_disputes().join(Application).where(or_(side, Dispute.id.in_(asked)))
    return _heap(session, mine.order_by(Dispute.raised_at, Dispute.id))


def _open_disputes() -> Select[Dispute]:
    states = (DisputeState.OPEN, DisputeState.ESCALATED)
    loaded = selectinload(Dispute.application).joinedload(Application.resource_version)
    return select(Dispute).where(Dispute.state.in_(states)).options(loaded)


def _heap(session: Session, statement: Select[T]) -> Heap[T]:
    counted = select(func.count()).select_from(statement.order_by(None).options().subquery())
    items = session.scalars(statement.limit(MOST)).all()
    return Heap(items, len(items) if len(items) < MOST else session.scalar(counted) or 0)
