"""What waits for a security administrator: the first few of each heap, and how many there are.

The operator's administrator sees all agencies, any other the own one (``permissions.administer_people``).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, literal, select, true
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.interfaces import ORMOption

from adapters.clock import system_now
from adapters.listing import Heap
from audit.actor import Actor
from audit.models import Evidence
from directory.keys.models import AgencyKey
from directory.people.accounts import RESET_SHOWN
from directory.people.models import Account, ApiClient, Person, RoleAssignment
from directory.people.roles import SEPARATED, Role
from directory.permissions import Denied, administer_people, operates_security, require

T = TypeVar("T")
MOST = 10
_NAMED = joinedload(Account.person).joinedload(Person.agency)
Column = Any
"""A column of an agency's id."""


@dataclass(frozen=True)
class RefusedSignIns:
    """How often sign-in to one account was refused, and when last."""

    account: Account
    count: int
    last: datetime


def locked_out(session: Session, actor: Actor) -> Heap[Account]:
    """Accounts that too many wrong passwords locked; the latest lock first."""
    locked = _accounts(actor).where(Account.locked_until > system_now())
    return _heap(session, locked, [_NAMED], Account.locked_until.desc(), Account.id)


def without_roles(session: Session, actor: Actor) -> Heap[Account]:
    """Accounts that can sign in and hold no role, so can do nothing; the oldest people first."""
    holds = exists().where(RoleAssignment.person_id == Person.id, RoleAssignment.held_to.is_(None))
    idle = _accounts(actor).where(Account.frozen_at.is_(None), Person.left_at.is_(None), ~holds)
    return _heap(session, idle, [_NAMED], Person.created_at, Account.id)


def reset_lately(session: Session) -> Heap[Account]:
    """Accounts of administrators and auditors whose password another person reset within the last thirty days."""
    role = RoleAssignment.role.in_([*SEPARATED, Role.AUDITOR])
    holds = exists().where(RoleAssignment.person_id == Person.id, RoleAssignment.held_to.is_(None), role)
    lately = select(Account).join(Person).where(Account.was_reset, Account.given_at > system_now() - RESET_SHOWN, holds)
    return _heap(session, lately, [_NAMED], Account.given_at.desc(), Account.id)


def keys_missing(session: Session, actor: Actor, since: datetime) -> Heap[AgencyKey]:
    """Keys revoked since a moment in whose place the agency has registered no other; the latest first."""
    other = AgencyKey.__table__.alias("other")
    replaced = exists().where(
        other.c.agency_id == AgencyKey.agency_id,
        other.c.purpose == AgencyKey.purpose,
        other.c.revoked_at.is_(None),
    )
    revoked = select(AgencyKey).where(_within(actor, AgencyKey.agency_id), AgencyKey.revoked_at >= since, ~replaced)
    return _heap(session, revoked, [], AgencyKey.revoked_at.desc(), AgencyKey.id)


def old_secrets(session: Session, actor: Actor, before: datetime) -> Heap[tuple[ApiClient, datetime]]:
    """Programs whose secret was given out before a moment, with that moment; the oldest first."""
    replaced = (
        select(func.max(Evidence.recorded_at))
        .where(Evidence.subject == _subject("client", ApiClient.id), Evidence.kind == "client.secret_replaced")
        .correlate(ApiClient)
        .scalar_subquery()
    )
    since = func.coalesce(replaced, ApiClient.created_at)
    used = select(ApiClient, since).where(
        _within(actor, ApiClient.agency_id),
        ApiClient.revoked_at.is_(None),
        ApiClient.created_at < before,
        since < before,
    )
    rows = session.execute(used.options(joinedload(ApiClient.agency)).order_by(since, ApiClient.id).limit(MOST)).all()
    items = [(client, given) for client, given in rows]
    return Heap(items, len(items) if len(items) < MOST else _count(session, used))


def refused_sign_ins(session: Session, actor: Actor, since: datetime) -> Heap[RefusedSignIns]:
    """Accounts to which sign-in was refused since a moment; the most often refused first."""
    times, last = func.count(), func.max(Evidence.recorded_at)
    refused = (
        select(Evidence.subject, times.label("times"), last.label("last"))
        .where(Evidence.kind == "account.sign_in_refused", Evidence.recorded_at >= since)
        .group_by(Evidence.subject)
        .subquery()
    )
    found = _accounts(actor).join(refused, refused.c.subject == _subject("account", Account.id))
    shown = found.add_columns(refused.c.times, refused.c.last).order_by(refused.c.times.desc(), Account.id)
    items = [RefusedSignIns(*row) for row in session.execute(shown.options(_NAMED).limit(MOST))]
    return Heap(items, len(items) if len(items) < MOST else _count(session, found))


def _accounts(actor: Actor) -> Select[Account]:
    return select(Account).join(Person).where(_within(actor, Person.agency_id))


def _within(actor: Actor, column: Column) -> ColumnElement[bool]:
    """The agencies whose people the actor administers."""
    if operates_security(actor):
        return true()
    agency_id = actor.agency_id or uuid.UUID(int=0)
    decision = administer_people(actor, agency_id)
    if isinstance(decision, Denied):
        require(decision)
    own: ColumnElement[bool] = column == agency_id
    return own


def _subject(noun: str, column: Column) -> ColumnElement[str]:
    return literal(f"{noun}/", String) + cast(column, String)


def _heap(session: Session, statement: Select[T], options: Sequence[ORMOption], *order: Any) -> Heap[T]:
    items = session.scalars(statement.options(*options).order_by(*order).limit(MOST)).all()
    return Heap(items, len(items) if len(items) < MOST else _count(session, statement))


def _count(session: Session, statement: Select[*tuple[Any, ...]]) -> int:
    return session.scalar(statement.with_only_columns(func.count(), maintain_column_froms=True)) or 0
