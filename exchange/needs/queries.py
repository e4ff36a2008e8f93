"""Needs as those who raised them and those who were asked read them."""

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from adapters.listing import Listing, Order
from adapters.paging import USUAL_PAGE, Page
from audit.actor import Actor
from directory import permissions
from exchange.needs import load
from exchange.needs.models import Need


def mine(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Need]:
    """Needs that the actor's agency raised, newest first."""
    return _page(session, own(actor), state, cursor, limit)


def to_provider(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Need]:
    """Needs that the actor's agency was asked for, newest first."""
    return _page(session, asked(actor), state, cursor, limit)


def own(actor: Actor) -> Listing[Need]:
    """Needs that the actor's agency raised, as a list to narrow and to order."""
    return _listing(Need.requester_id == actor.agency_id)


def asked(actor: Actor) -> Listing[Need]:
    """Needs that the actor's agency was asked for, as a list to narrow and to order."""
    return _listing(Need.provider_id == actor.agency_id)


def detail(session: Session, actor: Actor, need_id: uuid.UUID) -> Need:
    """One need.

    Raises:
        NotFound: there is none.
        NotAllowed: it is between two other agencies.
    """
    need = session.get(Need, need_id)
    if need is None:
        raise load.unknown()
    permissions.require(permissions.see_case(actor, need.requester_id, need.provider_id))
    return need


def _listing(whose: ColumnElement[bool]) -> Listing[Need]:
    newest = (Need.raised_at, Need.id)
    return Listing(
        select(Need).where(whose),
        {"state": Need.state, "provider": Need.provider_id, "requester": Need.requester_id},
        {"newest": Order(newest, descending=True), "oldest": Order(newest)},
    )


def _page(session: Session, listing: Listing[Need], state: str | None, cursor: str | None, limit: int) -> Page[Need]:
    return listing.page(session, {"state": [state]} if state else {}, cursor=cursor, limit=limit)
