"""Grants as those who hold them and those who gave them read them."""

import uuid
from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session, selectinload

from adapters.listing import Listing, Order
from adapters.paging import USUAL_PAGE, Page
from audit.actor import Actor
from directory import permissions
from exchange.grants import load
from exchange.grants.models import Grant, GrantState, ReleaseRecord

_NEWEST = (Grant.created_at, Grant.id)


def mine(
    session: Session,
    actor: Actor,
    *,
    state: str | None = None,
    standing: bool | None = None,
    cursor: str | None = None,
    limit: int = USUAL_PAGE,
) -> Page[Grant]:
    """Grants that the actor's agency can use, newest first.

    Args:
        standing: True for the standing ones of everybody, False for its own, None for both.
    """
    own, everybodys = Grant.requester_id == actor.agency_id, Grant.requester_id.is_(None)
    who = {True: everybodys, False: own, None: or_(own, everybodys)}[standing]
    return _listing(who).page(session, {"state": [state]} if state else {}, cursor=cursor, limit=limit)


def held(actor: Actor) -> Listing[Grant]:
    """Grants that the actor's agency applied for, as a list to narrow and to order."""
    return _listing(Grant.requester_id == actor.agency_id)


def standing() -> Listing[Grant]:
    """The standing grants, which are every agency's, as a list to narrow and to order."""
    return _listing(Grant.requester_id.is_(None))


def given(actor: Actor) -> Listing[Grant]:
    """Grants on resources of the actor's agency, as a list to narrow and to order."""
    return _listing(Grant.provider_id == actor.agency_id)


def of_all(actor: Actor) -> Listing[Grant]:
    """Every grant, as a list to narrow and to order.

    Raises:
        NotAllowed: neither the coordinating office nor the regulator nor an auditor.
    """
    permissions.require(permissions.supervise(actor))
    return _listing(true())


def for_resource(session: Session, actor: Actor, resource_id: uuid.UUID) -> tuple[Grant, ...]:
    """The living grants on one resource that the actor's agency can use: its newest 50, and the standing one."""
    usable = or_(Grant.requester_id == actor.agency_id, Grant.requester_id.is_(None))
    statement = select(Grant).where(Grant.resource_id == resource_id, usable, Grant.state != GrantState.ENDED)
    return tuple(session.scalars(statement.order_by(Grant.created_at.desc()).limit(USUAL_PAGE + 1)))


def detail(session: Session, actor: Actor, grant_id: uuid.UUID) -> Grant:
    """One grant.

    Raises:
        NotFound: there is none.
        NotAllowed: it is between two other agencies.
    """
    grant = session.get(Grant, grant_id)
    if grant is None:
        raise load.unknown()
    suspended = grant.state == GrantState.SUSPENDED
    permissions.require(permissions.see_grant(actor, grant.requester_id, grant.provider_id, suspended))
    return grant


def asked_under(session: Session, grants: Collection[uuid.UUID]) -> dict[uuid.UUID, Grant]:
    """Grants that entries of evidence name, by id, at most a page of them; the caller may read that evidence."""
    return {grant.id: grant for grant in session.scalars(select(Grant).where(Grant.id.in_(grants)))}


def stated_purposes(session: Session, subjects: Collection[str]) -> dict[str, str]:
    """What releases were for, by how evidence names them (``release/…``); the caller may read that evidence."""
    ids = [uuid.UUID(subject.removeprefix("release/")) for subject in subjects if subject.startswith("release/")]
    rows = session.execute(select(ReleaseRecord.id, ReleaseRecord.purpose).where(ReleaseRecord.id.in_(ids)))
    return {f"release/{identity}": purpose for identity, purpose in rows}


def _listing(whose: ColumnElement[bool]) -> Listing[Grant]:
    return Listing(
        select(Grant).where(whose),
        {"state": Grant.state, "provider": Grant.provider_id, "requester": Grant.requester_id},
        {
            "newest": Order(_NEWEST, descending=True),
            "ends": Order((func.coalesce(Grant.valid_to, date.max), Grant.id)),
            "number": Order((Grant.number, Grant.id)),
        },
        (selectinload(Grant.resource_version), selectinload(Grant.resource)),
    )
