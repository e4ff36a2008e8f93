"""Deliveries as the receiver and the provider read them."""

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload

from adapters.listing import Listing, Order
from adapters.paging import USUAL_PAGE, Page
from audit.actor import Actor
from directory import permissions
from exchange.deliveries import load
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant, ReleaseRecord

MOST_FETCHES = 100
"""As many of a delivery's newest fetches are looked at; one that began before others may end after them."""


def mine(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Delivery]:
    """Deliveries to the actor's agency, newest first."""
    return received(actor).page(session, {"state": [state]} if state else {}, cursor=cursor, limit=limit)


def received(actor: Actor) -> Listing[Delivery]:
    """Deliveries to the actor's agency, as a list to narrow and to order."""
    return _listing(Delivery.agency_id == actor.agency_id)


def given(actor: Actor) -> Listing[Delivery]:
    """Deliveries of data of the actor's agency, as a list to narrow and to order."""
    return _listing(Grant.provider_id == actor.agency_id)


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


def subjects(session: Session, delivery: Delivery) -> tuple[str, ...]:
    """What the entries about a delivery are about: itself, the release that made its file, and its newest fetches."""
    made = [f"release/{delivery.release_id}"] if delivery.release_id else []
    return (f"delivery/{delivery.id}", *made, *_fetches(session, delivery))


def _fetches(session: Session, delivery: Delivery) -> list[str]:
    """The newest releases of this delivery's bytes."""
    of = select(ReleaseRecord.id).where(ReleaseRecord.delivery_id == delivery.id)
    newest = session.scalars(of.order_by(ReleaseRecord.authorised_at.desc()).limit(MOST_FETCHES))
    return [f"release/{one}" for one in newest]


def _listing(whose: ColumnElement[bool]) -> Listing[Delivery]:
    newest = (Delivery.requested_at, Delivery.id)
    return Listing(
        select(Delivery).join(Grant).where(whose),
        {
            "state": Delivery.state,
            "format": Delivery.format,
            "provider": Grant.provider_id,
            "receiver": Delivery.agency_id,
        },
        {
            "newest": Order(newest, descending=True),
            "oldest": Order(newest),
            "largest": Order((Delivery.bytes, Delivery.id), descending=True),
        },
        (
            selectinload(Delivery.grant).selectinload(Grant.resource_version),
            selectinload(Delivery.acknowledgement),
        ),
    )
