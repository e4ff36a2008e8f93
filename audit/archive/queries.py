"""How the log keeps its entries, for status and pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.archive.models import LogArchive
from audit.months import Months, ended_before, months
from audit.retention import Retention, configured
from audit.store.place import DAYS_OF_A_YEAR


@dataclass(frozen=True)
class Keeping:
    """How entries are kept.

    Attributes:
        retention: for how long, and by which rule.
        archives: how many archives are held.
        archived: how many entries lie in them.
        expired: how many archives have expired; their texts are gone.
        kept_until: until when the newest of those held is held; None without any.
        over: archives whose period of keeping is over and that are still there.
        months: how the partitions of the texts stand.
        overdue: ended months whose texts should lie in archives alone and are still in the database, ``2025-10``.
    """

    retention: Retention
    archives: int
    archived: int
    expired: int
    kept_until: datetime | None
    over: int
    months: Months
    overdue: tuple[str, ...]


def keeping(session: Session) -> Keeping:
    """How entries are kept now."""
    now, years = system_now(), timedelta(days=DAYS_OF_A_YEAR * configured().years)
    ended = (LogArchive.retain_until <= now) & (LogArchive.archived_at <= now - years)
    over, held = func.count().filter(ended, LogArchive.removed_at.is_(None)), LogArchive.expired_at.is_(None)
    entries = func.sum(LogArchive.end_index - LogArchive.first_index).filter(held)
    until = func.max(LogArchive.retain_until).filter(held)
    counted = select(func.count().filter(held), entries, func.count().filter(~held), until, over)
    archives, archived, expired, kept_until, count = session.execute(counted).one()
    state = months(session)
    overdue = tuple(ended_before(state, configured().before(now)))
    return Keeping(configured(), archives, int(archived or 0), expired, kept_until, count, state, overdue)
