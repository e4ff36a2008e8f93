"""How the log's publication stands, for status and pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.models import LogCheckpoint
from audit.store.models import ONE, KeptCheckpoint, LogStore

LATE_AFTER = timedelta(minutes=2)
"""A checkpoint is usually published a second after it was signed."""
UNKEPT_AFTER = timedelta(minutes=65)
"""One is kept each hour, within seconds, whether the log has grown or not."""


@dataclass(frozen=True)
class StoreState:
    """How the object store stands.

    Attributes:
        size: entries that the log has.
        published: entries that the store covers.
        published_at: when the last checkpoint was published.
        lock: LOCKED, NOT_LOCKED, or empty before it was tried.
        problem: what keeps the publisher from its work; empty when nothing does.
        problem_since: since when.
        kept_at: when the last hourly checkpoint was kept; what a clock kept that ran ahead does not count.
        kept_until: until when it cannot be deleted.
        first_signed_at: when the log's first checkpoint was signed.
    """

    size: int
    published: int
    published_at: datetime | None
    lock: str
    problem: str
    problem_since: datetime | None
    kept_at: datetime | None
    kept_until: datetime | None
    first_signed_at: datetime | None

    @property
    def behind(self) -> int:
        """Entries that are signed for and not published yet."""
        return max(0, self.size - self.published)

    @property
    def late(self) -> bool:
        """Whether what is signed has not been published for longer than usual."""
        waited = system_now() - self.published_at if self.published_at else LATE_AFTER * 2
        return bool(self.behind) and waited > LATE_AFTER

    @property
    def unkept(self) -> bool:
        """Whether an hour has passed without a kept checkpoint."""
        last = self.kept_at or self.first_signed_at
        return last is not None and system_now() - last > UNKEPT_AFTER


def store_state(session: Session) -> StoreState:
    """How the log's publication stands now."""
    row = session.get(LogStore, ONE) or LogStore(size=0, lock="", problem="")
    past = select(KeptCheckpoint).where(KeptCheckpoint.kept_at <= system_now())
    newest = past.order_by(
        KeptCheckpoint.size.desc(), KeptCheckpoint.hour.desc()
    )  # a clock's that ran ahead is smaller
    kept = session.scalar(newest.limit(1))
    return StoreState(
        size=session.scalar(select(func.max(LogCheckpoint.size))) or 0,
        published=row.size,
        published_at=row.published_at,
        lock=row.lock,
        problem=row.problem,
        problem_since=row.problem_since,
        kept_at=kept.kept_at if kept else None,
        kept_until=kept.retain_until if kept else None,
        first_signed_at=session.scalar(select(LogCheckpoint.signed_at).order_by(LogCheckpoint.size).limit(1)),
    )
