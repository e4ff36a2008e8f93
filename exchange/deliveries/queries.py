"""Deliveries as the receiver and the provider read them."""

import uuid

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from directory import permissions
from exchange.deliveries import load
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant


def mine(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Delivery]:
    """Deliveries to the actor's agency, newest first."""
    return _page(session, select(Delivery).where(Delivery.agency_id == actor.agency_id), state, cursor, limit)


def from_my_resources(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Delivery]:
    """Deliveries of data of the actor's agency, newest first."""
    of_mine = select(Delivery).join(Grant).where(Grant.provider_id == actor.agency_id)
    return _page(session, of_mine, state, cursor, limit)


def of_grant(session: Session, grant_id: uuid.UUID, limit: int = USUAL_PAGE) -> tuple[Delivery, ...]:
    """The newest deliveries under one grant; the caller has seen that the grant may be read."""
    newest = select(Delivery).where(Delivery.grant_id == grant_id).order_by(Delivery.requested_at.desc())
    return tuple(session.scalars(newest.limit(limit)))


def detail(session: Session, actor: Actor, delivery_id: uuid.UUID) -> Delivery:
    """One delivery.

    Raises:
        NotFound: there is none.
        NotAllowed: it is between two other agencies.
    """
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        raise load.unknown()
    permissions.require(permissions.see_case(actor, delivery.agency_id, delivery.grant.provider_id))
    return delivery


def _page(
    session: Session, statement: Select[Delivery], state: str | None, cursor: str | None, limit: int
) -> Page[Delivery]:
    if state:
        statement = statement.where(Delivery.state == state)
    shown = statement.options(selectinload(Delivery.grant), selectinload(Delivery.acknowledgement))
    order = (Delivery.requested_at, Delivery.id)
    return page_of(session, shown, order, cursor=cursor, limit=limit, descending=True)
