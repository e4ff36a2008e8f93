"""Work is a row: whatever must happen later is committed with its cause, then claimed under a lease.

Short kinds are taken by ``shuniu worker``; moving data is taken by ``shuniu step`` inside Airflow tasks.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Json, Moment, Prose, engine, one_of
from adapters.errors import Sentence, Transient

LEASE = timedelta(minutes=10)
MAXIMUM_ATTEMPTS = 5
SAID = "said"
"""Where ``result`` keeps a problem's sentence."""


class Turn(NamedTuple):
    """What a chore of the worker did in one transaction: how much, and whether it goes on with more at once."""

    done: int
    more: bool = False


class Runner(StrEnum):
    """Who takes a kind of work."""

    WORKER = "WORKER"
    AIRFLOW = "AIRFLOW"


class WorkState(StrEnum):
    """States of a work row. WAITING → LEASED → DONE, or back to WAITING after a failure, or FAILED for good."""

    WAITING = "WAITING"
    LEASED = "LEASED"
    DONE = "DONE"
    FAILED = "FAILED"


class Work(Base):
    """One piece of work.

    ``kind`` names the function that does it, ``payload`` its arguments, ``parent_id`` the work it is a part of
    (partitions), ``dedupe_key`` makes enqueueing idempotent, ``run`` counts the runs of Airflow it was given, from 0.
    """

    __tablename__ = "work"
    __table_args__ = (
        CheckConstraint(one_of("runner", Runner), name="runner"),
        CheckConstraint(one_of("state", WorkState), name="state"),
        UniqueConstraint("dedupe_key"),
        Index("ix_work_due", "runner", "state", "due_at"),
    )

    id: Mapped[Identity]
    kind: Mapped[Code]
    runner: Mapped[Code]
    payload: Mapped[Json]
    state: Mapped[Code] = mapped_column(default=WorkState.WAITING)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work.id"), index=True)
    dedupe_key: Mapped[str | None]
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    due_at: Mapped[Moment] = mapped_column(default=system_now)
    leased_until: Mapped[Moment | None]
    lease_token: Mapped[uuid.UUID | None]
    finished_at: Mapped[Moment | None]
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    run: Mapped[int] = mapped_column(Integer, default=0)
    result: Mapped[Json] = mapped_column(default=dict)
    problem: Mapped[Prose] = mapped_column(default="")


def enqueue(
    session: Session,
    kind: str,
    runner: Runner,
    payload: dict[str, Any],
    *,
    parent_id: uuid.UUID | None = None,
    dedupe_key: str | None = None,
) -> Work:
    """Add a work row to the caller's transaction; with a ``dedupe_key`` that exists already, return that row."""
    if dedupe_key is not None:
        known = session.scalar(select(Work).where(Work.dedupe_key == dedupe_key))
        if known is not None:
            return known
    work = Work(kind=kind, runner=runner, payload=payload, parent_id=parent_id, dedupe_key=dedupe_key)
    session.add(work)
    session.flush()
    return work


def claim(session: Session, runner: Runner, kinds: Sequence[str], limit: int = 1) -> list[Work]:
    """Lease due rows, oldest first, passing over rows that another process holds; a lapsed lease is due again."""
    now = system_now()
    due = or_(Work.state == WorkState.WAITING, (Work.state == WorkState.LEASED) & (Work.leased_until < now))
    rows = session.scalars(
        select(Work)
        .where(Work.runner == runner, Work.kind.in_(kinds), Work.due_at <= now, due)
        .order_by(Work.due_at, Work.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for work in rows:
        _lease(work)
    session.flush()
    return list(rows)


@contextmanager
def held(url: str, work_id: uuid.UUID) -> Iterator[bool]:
    """Hold one named row for as long as the block lasts and the process lives; yields False when another does.

    An advisory lock on a connection of its own: a killed process lets go at once, and no lease has to lapse first.
    """
    with engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = int.from_bytes(work_id.bytes[:8], "big", signed=True)
        taken = bool(connection.scalar(select(func.pg_try_advisory_lock(key))))
        try:
            yield taken
        finally:
            if taken and not connection.invalidated:
                connection.execute(select(func.pg_advisory_unlock(key)))


def take(session: Session, work_id: uuid.UUID) -> Work | None:
    """Lease one named row that the caller holds (``held``), whatever lease a dead process left on it.

    Returns:
        the row, leased unless it is done or failed; None when there is none.
    """
    work = session.get(Work, work_id, with_for_update=True)
    if work is not None and work.state not in (WorkState.DONE, WorkState.FAILED):
        _lease(work)
        session.flush()
    return work


def owned(session: Session, work_id: uuid.UUID, lease_token: uuid.UUID | None) -> Work:
    """The row again, locked until the end of the transaction, if the lease is still the caller's.

    Raises:
        Transient: another process took the row over.
    """
    work = session.get(Work, work_id, with_for_update=True, populate_existing=True)
    if work is None or work.state != WorkState.LEASED or work.lease_token != lease_token:
        raise Transient("work.lost", "Another process took this work over. Nothing was changed.")
    return work


def advance(session: Session, work: Work, result: dict[str, Any]) -> None:
    """Put a leased row back after one of several steps, with what was reached so far; attempts count anew."""
    work.state, work.result, work.problem, work.attempts = WorkState.WAITING, result, "", 0
    work.leased_until, work.due_at = None, system_now()
    session.flush()


def _lease(work: Work) -> None:
    work.state = WorkState.LEASED
    work.leased_until = system_now() + LEASE
    work.lease_token = uuid.uuid4()
    work.attempts += 1


def finish(session: Session, work: Work, result: dict[str, Any]) -> None:
    """Mark a leased row done with its result."""
    work.state, work.finished_at, work.result, work.problem = WorkState.DONE, system_now(), result, ""
    work.leased_until = None
    session.flush()


def fail(session: Session, work: Work, problem: str, *, retry_may_help: bool) -> None:
    """Put a leased row back with a delay that doubles, or fail it for good when repeating cannot help.

    Args:
        problem: what happened and what to do; a ``Sentence`` is kept with its values, so that pages say it in the
            reader's language (``said_problem``).
    """
    work.problem, work.leased_until = problem[:4000], None
    work.result = _with_said(work.result, problem)
    if retry_may_help and work.attempts < MAXIMUM_ATTEMPTS:
        work.state = WorkState.WAITING
        work.due_at = system_now() + timedelta(seconds=2**work.attempts)
    else:
        work.state, work.finished_at = WorkState.FAILED, system_now()
    session.flush()


def reached(work: Work) -> dict[str, Any]:
    """What the steps of a row have reached so far."""
    return {name: value for name, value in work.result.items() if name != SAID}


def said_problem(work: Work) -> tuple[str, dict[str, Any]]:
    """The template and the values of what a row's problem says; the bare text where it was no ``Sentence``."""
    said = work.result.get(SAID) if work.problem else None
    return (said["template"], said["context"]) if said else (work.problem, {})


def carry_problem(work: Work, problem: str, from_part: Work) -> None:
    """Give a whole the problem of its part, with the values that it was said with."""
    said = from_part.result.get(SAID)
    work.problem, work.result = problem, {**work.result, SAID: said} if said else work.result


def _with_said(result: Mapping[str, Any], problem: str) -> dict[str, Any]:
    others = {name: value for name, value in result.items() if name != SAID}
    if not isinstance(problem, Sentence):
        return others
    context = {name: value if isinstance(value, int) else str(value) for name, value in problem.context.items()}
    return {**others, SAID: {"template": problem.template, "context": context}}


def given_up(session: Session, since: datetime, limit: int) -> list[Work]:
    """Rows that failed for good since a moment, the latest first; of a whole and its parts the whole alone."""
    failed = select(Work).where(
        Work.runner.in_(Runner), Work.state == WorkState.FAILED, Work.parent_id.is_(None), Work.finished_at >= since
    )
    return list(session.scalars(failed.order_by(Work.finished_at.desc(), Work.id).limit(limit)))


def overdue(session: Session, due_before: datetime, limit: int) -> list[Work]:
    """Rows that wait and were due before a moment, the longest due first: nobody takes them."""
    waiting = select(Work).where(
        Work.runner.in_(Runner), Work.state == WorkState.WAITING, Work.parent_id.is_(None), Work.due_at < due_before
    )
    return list(session.scalars(waiting.order_by(Work.due_at, Work.id).limit(limit)))
