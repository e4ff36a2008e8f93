"""Callers nobody knows are counted, not logged one by one, so that they cannot flood the evidence log.

Counts gather in memory and are written ten seconds after the first of them and when the process ends: one row per hour,
code and process. A worker tells each closed hour in one entry, ``access.refused_unknown``.
"""

import atexit
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import transaction
from audit.actor import HUB
from audit.append import append
from audit.models import Evidence
from audit.reconcile import Discrepancy, differences, entries_have_rows, recorded, register, rows_have_entries
from portal.models import UnknownRefusal

EVERY_SECONDS = 10.0
LATE = timedelta(minutes=5)
"""How long after an hour's end its rows are awaited: a writing that began inside of it may still be on its way."""
MOST_ROWS = 1_000
KIND, NOUN = "access.refused_unknown", "refused_unknown"
_PROCESS = uuid.uuid4()
_waiting: dict[str, Counter[str]] = {}
_timers: list[threading.Timer] = []
_lock = threading.Lock()
log = logging.getLogger("shuniu.portal")


def count(url: str, code: str) -> None:
    """Count one refusal; it is written in ten seconds at the latest."""
    with _lock:
        _waiting.setdefault(url, Counter())[code] += 1
        _write_soon()


def flush() -> None:
    """Write what has gathered; what the database does not take is kept for the next time."""
    with _lock:
        _timers.clear()
        gathered = dict(_waiting)
        _waiting.clear()
    kept = 0
    for url, counts in gathered.items():
        try:
            write(url, counts)
        except SQLAlchemyError:
            kept += counts.total()
            with _lock:
                _waiting.setdefault(url, Counter()).update(counts)
                _write_soon()
    if kept:
        log.warning("%d refusals of unknown callers could not be written; their counts are kept for now", kept)


def _write_soon() -> None:
    """Have a timer write, unless one runs; the caller holds the lock."""
    if not _timers:
        timer = threading.Timer(EVERY_SECONDS, flush)
        timer.daemon = True
        _timers.append(timer)
        try:
            timer.start()
        except RuntimeError:  # the process ends, and no thread starts any more
            _timers.clear()


def write(url: str, counts: dict[str, int]) -> None:
    """Add counts to the rows of this hour."""
    hour = system_now().replace(minute=0, second=0, microsecond=0)
    with transaction(url) as session:
        for code, times in counts.items():
            row = insert(UnknownRefusal).values(hour=hour, code=code, process=_PROCESS, times=times)
            more = {"times": UnknownRefusal.times + row.excluded.times}
            session.execute(row.on_conflict_do_update(index_elements=["hour", "code", "process"], set_=more))


def sum_up(session: Session) -> int:
    """Write one entry for the oldest closed hour that none tells yet, and mark its rows; how many entries."""
    untold, closed = UnknownRefusal.sum_id.is_(None), system_now() - LATE - timedelta(hours=1)
    hour = session.scalar(select(func.min(UnknownRefusal.hour)).where(untold, UnknownRefusal.hour <= closed))
    of_hour = select(UnknownRefusal).where(untold, UnknownRefusal.hour == hour).limit(MOST_ROWS)
    rows = session.scalars(of_hour.with_for_update()).all() if hour else []
    if not hour or not rows:
        return 0
    sum_id, times = uuid.uuid4(), Counter[str]()
    for row in rows:
        times[row.code] += row.times
        row.sum_id = sum_id
    after = {"hour": hour.astimezone(UTC).isoformat(), "times": dict(sorted(times.items()))}
    append(session, KIND, f"{NOUN}/{sum_id}", HUB, after=after)
    session.flush()
    return 1


def register_reconcilers() -> None:
    """Have every verification compare the counted refusals with their entries, both ways."""
    told = UnknownRefusal.sum_id.is_not(None)
    register(NOUN, rows_have_entries(NOUN, UnknownRefusal.sum_id, [KIND], told))
    register(f"{NOUN}-entries", entries_have_rows(NOUN, UnknownRefusal.sum_id, [KIND]))
    register(f"{NOUN}-times", _times)


def _times(session: Session) -> Iterator[Discrepancy]:
    """Sums whose rows say other figures than their entries."""
    told = select(UnknownRefusal.sum_id).where(UnknownRefusal.sum_id.is_not(None)).distinct()
    for sum_id in session.scalars(told):
        rows = session.execute(
            select(UnknownRefusal.code, func.sum(UnknownRefusal.times))
            .where(UnknownRefusal.sum_id == sum_id)
            .group_by(UnknownRefusal.code)
        )
        times, subject = {code: int(total) for code, total in rows}, f"{NOUN}/{sum_id}"
        for entry in recorded(session, Evidence.subject, [subject], [KIND]).get(subject, []):
            yield from differences(subject, {"times": times}, entry.after)


atexit.register(flush)
