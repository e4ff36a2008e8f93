"""Disputes as the office, both sides and asked departments read them."""

import uuid

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session, selectinload

from adapters.listing import Listing, Order
from adapters.paging import USUAL_PAGE, Page
from audit.actor import Actor
from directory import permissions
from exchange.applications.models import Application
from exchange.disputes import load
from exchange.disputes.models import Dispute, DisputeState, Statement

STILL_OPEN = (DisputeState.OPEN, DisputeState.ESCALATED)


def open_disputes(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Dispute]:
    """Disputes that wait for the coordinating office or the leading group, oldest first.

    Raises:
        NotAllowed: neither the coordinating office nor the regulator nor an auditor.
    """
    return waiting(actor).page(session, cursor=cursor, limit=limit)


def waiting(actor: Actor) -> Listing[Dispute]:
    """Disputes that wait for the office or the leading group, oldest first, as a list to narrow and to order.

    Raises:
        NotAllowed: as for ``open_disputes``.
    """
    permissions.require(permissions.supervise(actor))
    return _listing(Dispute.state.in_(STILL_OPEN), first="oldest")


def of_all(actor: Actor) -> Listing[Dispute]:
    """Every dispute, concluded ones too, as a list to narrow and to order.

    Raises:
        NotAllowed: as for ``open_disputes``.
    """
    permissions.require(permissions.supervise(actor))
    return _listing(true())


def mine(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page[Dispute]:
    """Disputes in which the actor's agency is a side or was asked, newest first."""
    return of_agency(actor).page(session, cursor=cursor, limit=limit)


def of_agency(actor: Actor) -> Listing[Dispute]:
    """Disputes in which the actor's agency is a side or was asked, as a list to narrow and to order."""
    asked = select(Statement.dispute_id).where(Statement.asked_id == actor.agency_id)
    part = or_(
        Application.requester_id == actor.agency_id,
        Application.provider_id == actor.agency_id,
        Dispute.id.in_(asked),
    )
    return _listing(part)


def detail(session: Session, actor: Actor, dispute_id: uuid.UUID) -> Dispute:
    """One dispute with its statements and conclusions.

    Raises:
        NotFound: there is none.
        NotAllowed: the actor's agency has no part in it and does not supervise.
    """
    dispute = session.get(Dispute, dispute_id)
    if dispute is None:
        raise load.unknown()
    application = dispute.application
    if actor.agency_id is None or all(each.asked_id != actor.agency_id for each in dispute.statements):
        permissions.require(permissions.see_case(actor, application.requester_id, application.provider_id))
    return dispute


def _listing(which: ColumnElement[bool], first: str = "newest") -> Listing[Dispute]:
    newest = (Dispute.raised_at, Dispute.id)
    orders = {"newest": Order(newest, descending=True), "oldest": Order(newest)}
    case = selectinload(Dispute.application)
    return Listing(
        select(Dispute).join(Application).where(which),
        {"state": Dispute.state, "requester": Application.requester_id, "provider": Application.provider_id},
        {first: orders[first]} | orders,
        (
            case.joinedload(Application.requester),
            case.joinedload(Application.provider),
            case.joinedload(Application.resource_version),
        ),
    )
