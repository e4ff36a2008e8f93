"""Whether evidence flows into the log, and when the hub stops delivering because it does not (R49, R50).

An entry that is not signed for proves nothing to an outsider, so data does not go on leaving on such entries for long.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Transient
from audit.models import EvidenceQueue, LogCheckpoint
from audit.restoration.models import LogRestoration
from audit.stall.models import LogStall

LATE_AFTER = timedelta(seconds=30)
"""From here on the log's state is shown as a warning; an entry is usually signed for within two seconds."""
LOOK_AGAIN = 1.0
"""Seconds for which a process trusts what it saw."""

_grace = [timedelta(minutes=10)]
_seen: WeakKeyDictionary[Engine, tuple[float, timedelta, bool]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Standing:
    """How far the log is behind.

    Attributes:
        behind: how long the oldest entry has waited for its signature, or how far the system clock has gone back behind
            the last signature, whichever is more; evidence under a wrong time is as good as none.
        grace: how far it may be behind before the hub stops delivering.
        problem: what keeps the sequencer from signing; empty when nothing does.
        problem_since: since when.
    """

    behind: timedelta
    grace: timedelta
    problem: str = ""
    problem_since: datetime | None = None

    @property
    def late(self) -> bool:
        """Whether somebody should look."""
        return bool(self.problem) or self.behind > min(LATE_AFTER, self.grace)

    @property
    def stopped(self) -> bool:
        """Whether nothing may leave the hub."""
        return self.behind > self.grace


def configure(grace_seconds: int) -> None:
    """Set how long the log may be behind before this process stops delivering; every edge calls it at its start."""
    _grace[:] = [timedelta(seconds=grace_seconds)]


def configured_grace() -> timedelta:
    """How long the log may be behind before this process stops delivering."""
    return _grace[0]


def standing(oldest_waiting: datetime | None, signed_at: datetime | None, stall: LogStall | None = None) -> Standing:
    """How the log stands now.

    Args:
        oldest_waiting: since when the oldest entry waits; None when none does.
        signed_at: when the last checkpoint was signed; None when none was.
        stall: what the sequencer says of itself.
    """
    now, nothing = system_now(), timedelta(0)
    waited = now - oldest_waiting if oldest_waiting else nothing
    gone_back = signed_at - now if signed_at else nothing
    behind = max(waited, gone_back, nothing)
    return Standing(behind, _grace[0], stall.problem, stall.problem_since) if stall else Standing(behind, _grace[0])


def require_flow(session: Session) -> None:
    """Let nothing leave while evidence is not signed for. Asks the database once a second in each process.

    Raises:
        Transient: ``evidence.stalled``; the log has been behind for longer than the site's grace.
            ``evidence.stands_still``; this database is older than the log that others have seen.
    """
    engine = session.get_bind().engine
    looked, behind, still = _seen.get(engine, (0.0, timedelta(0), False))
    if time.monotonic() - looked > LOOK_AGAIN:
        behind, still = lag(session)
        _seen[engine] = time.monotonic(), behind, still
    if still:
        raise Transient(
            "evidence.stands_still",
            "Nothing leaves the hub now: its database was put back from a backup and is older than its evidence log."
            " Tell the system administrator and the audit administrator; both must declare what is lost.",
        )
    if behind > _grace[0]:
        raise Transient(
            "evidence.stalled",
            "Nothing leaves the hub now: its evidence has not been signed for {minutes} minutes. Tell the system"
            " administrator, and try again when the evidence page shows no warning.",
            minutes=int(behind.total_seconds() // 60),
        )


def lag(session: Session) -> tuple[timedelta, bool]:
    """How far the log is behind now, and whether it stands still because this database is an older one."""
    oldest = select(func.min(EvidenceQueue.queued_at)).scalar_subquery()
    signed = select(LogCheckpoint.signed_at).order_by(LogCheckpoint.size.desc()).limit(1).scalar_subquery()
    still = exists().where(LogRestoration.done_at.is_(None))
    row = session.execute(select(oldest, signed, still)).one()
    return standing(row[0], row[1]).behind, bool(row[2])
