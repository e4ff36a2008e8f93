"""Needs as those who raised them and those who were asked read them."""

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from directory import permissions
from exchange.needs import load
from exchange.needs.models import Need


def mine(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Need]:
    """Needs that the actor's agency raised, newest first."""
    return _page(session, Need.requester_id == actor.agency_id, state, cursor, limit)


def to_provider(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Need]:
    """Needs that the actor's agency was asked for, newest first."""
    return _page(session, Need.provider_id == actor.agency_id, state, cursor, limit)


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


def _page(
    session: Session, whose: ColumnElement[bool], state: str | None, cursor: str | None, limit: int
) -> Page[Need]:
    statement = select(Need).where(whose)
    if state:
        statement = statement.where(Need.state == state)
    return page_of(session, statement, (Need.raised_at, Need.id), cursor=cursor, limit=limit, descending=True)
