"""Work is a row: whatever must happen later is committed with its cause, then claimed under a lease.

Short kinds are taken by ``shuniu worker``; moving data is taken by ``shuniu step`` inside Airflow tasks.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Json, Moment, Prose, one_of

LEASE = timedelta(minutes=10)
MAXIMUM_ATTEMPTS = 5


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

    ``kind`` names the function that does it, ``payload`` its arguments, ``parent_id`` the work it is a part of (partitions),
    ``dedupe_key`` makes enqueueing idempotent.
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


def claim_one(session: Session, work_id: uuid.UUID) -> Work | None:
    """Lease one named row if it is due and nobody holds it; None when it is done, failed or held."""
    now = system_now()
    work = session.scalar(select(Work).where(Work.id == work_id).with_for_update(skip_locked=True))
    if work is None or work.state in (WorkState.DONE, WorkState.FAILED):
        return None
    if work.state == WorkState.LEASED and work.leased_until is not None and work.leased_until >= now:
        return None
    _lease(work)
    session.flush()
    return work


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
    """Put a leased row back with a delay that doubles, or fail it for good when repeating cannot help."""
    work.problem, work.leased_until = problem[:4000], None
    if retry_may_help and work.attempts < MAXIMUM_ATTEMPTS:
        work.state = WorkState.WAITING
        work.due_at = system_now() + timedelta(seconds=2**work.attempts)
    else:
        work.state, work.finished_at = WorkState.FAILED, system_now()
    session.flush()
