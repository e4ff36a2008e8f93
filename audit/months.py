"""The partitions of the entries' texts: one for each month (UTC), made ahead by the worker.

A text whose month has no partition goes among the strays, so that nothing stands still; that is shown, and the next
round makes its month and moves it there. The app role may ask for partitions and owns none.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from adapters.clock import system_now

AHEAD = 3
"""Months after this one that have their partition."""
SCHEMA = "evidence_months"
_MONTH = re.compile(r"(?!0000|9999-12)[0-9]{4}-(0[1-9]|1[0-2])")
"""A month with a year after it that calendars have; what is called otherwise was planted, and never ends."""
_log = logging.getLogger(__name__)
_PRESENT = text(
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    " WHERE inhparent = CAST('evidence_text' AS regclass) AND relname <> 'stray' ORDER BY relname"
)
_STRAYS = text(f"SELECT count(*) FROM {SCHEMA}.stray")  # noqa: S608  # a name of our own


@dataclass(frozen=True)
class Months:
    """How the partitions stand.

    Attributes:
        present: months that have one, ``2026-11``, in order.
        lacking: months from this one on that should have one and have not.
        strays: texts that lie in none.
    """

    present: tuple[str, ...]
    lacking: tuple[str, ...]
    strays: int

    @property
    def wrong(self) -> bool:
        """Whether texts are astray, or soon will be: the next month has no partition."""
        return bool(self.strays) or bool({*self.lacking} & {*_coming(system_now(), 1)})


def months(session: Session) -> Months:
    """How the partitions stand now."""
    present = tuple(name[1:].replace("_", "-") for name in session.scalars(_PRESENT))
    lacking = tuple(month for month in _coming(system_now(), AHEAD) if month not in present)
    return Months(present, lacking, session.scalar(_STRAYS) or 0)


def ended_before(state: Months, moment: datetime) -> Iterator[str]:
    """Months that ended before a moment and still have their texts in the database."""
    for month in state.present:
        if _MONTH.fullmatch(month) and _end(month) <= moment:
            yield month


def make_months(session: Session) -> int:
    """Make what is lacking; a chore of the worker. It waits a second for those who read, and else tries next time.

    Returns:
        how many partitions were made.
    """
    state = months(session)
    if not state.lacking and not state.strays:
        return 0
    if state.strays:
        _log.warning("%d texts of evidence had no partition for their month; it is made now.", state.strays)
    try:
        with session.begin_nested():
            return session.scalar(text("SELECT log_make_months(:ahead)"), {"ahead": AHEAD}) or 0
    except DBAPIError as error:
        _log.warning("Partitions of evidence could not be made yet (%s).", type(error.orig).__name__)
        return 0


def _coming(now: datetime, ahead: int) -> tuple[str, ...]:
    """This month and those after it."""
    first = now.year * 12 + now.month - 1
    return tuple(f"{number // 12}-{number % 12 + 1:02d}" for number in range(first, first + ahead + 1))


def _end(month: str) -> datetime:
    number = int(month[:4]) * 12 + int(month[5:])
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
