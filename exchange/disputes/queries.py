"""Disputes as the office, both sides and asked departments read them."""

import uuid

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, selectinload

from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from directory import permissions
from directory.people.roles import Role
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
    if not actor.has(Role.COORDINATOR, Role.REGULATOR, Role.AUDITOR):
        reason = "Only the coordinating office and those who supervise read all disputes. Open your own list instead."
        permissions.require(permissions.Denied("dispute.office", reason))
    waiting = select(Dispute).where(Dispute.state.in_(STILL_OPEN)).options(selectinload(Dispute.application))
    return page_of(session, waiting, (Dispute.raised_at, Dispute.id), cursor=cursor, limit=limit)


def mine(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page[Dispute]:
    """Disputes in which the actor's agency is a side or was asked, newest first."""
    order = (Dispute.raised_at, Dispute.id)
    return page_of(session, _of_agency(actor), order, cursor=cursor, limit=limit, descending=True)


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


def _of_agency(actor: Actor) -> Select[Dispute]:
    asked = select(Statement.dispute_id).where(Statement.asked_id == actor.agency_id)
    part = or_(
        Application.requester_id == actor.agency_id,
        Application.provider_id == actor.agency_id,
        Dispute.id.in_(asked),
    )
    return select(Dispute).join(Application).where(part).options(selectinload(Dispute.application))
