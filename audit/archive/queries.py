"""How the log keeps its entries, for status and pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.archive.models import LogArchive
from audit.months import Months, months
from audit.retention import Retention, configured
from audit.store.place import DAYS_OF_A_YEAR


@dataclass(frozen=True)
class Keeping:
    """How entries are kept.

    Attributes:
        retention: for how long, and by which rule.
        archives: how many archives there are.
        archived: number after the last archived entry.
        kept_until: until when the newest archive is held; None without any.
        over: archives whose period of keeping is over and that are still there.
        months: how the partitions of the texts stand.
    """

    retention: Retention
    archives: int
    archived: int
    kept_until: datetime | None
    over: int
    months: Months


def keeping(session: Session) -> Keeping:
    """How entries are kept now."""
    now, years = system_now(), timedelta(days=DAYS_OF_A_YEAR * configured().years)
    ended = (LogArchive.retain_until <= now) & (LogArchive.archived_at <= now - years)
    over = func.count().filter(ended, LogArchive.removed_at.is_(None))
    wanted = select(func.count(), func.max(LogArchive.end_index), func.max(LogArchive.retain_until), over)
    archives, archived, until, count = session.execute(wanted).one()
    return Keeping(configured(), archives, archived or 0, until, count, months(session))
