"""Callers nobody knows are counted, not logged one by one, so that they cannot flood the evidence log.

Counts gather in memory and are written at most every ten seconds: one row per hour, code and process.
"""

import logging
import threading
import time
import uuid
from collections import Counter

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from adapters.clock import system_now
from adapters.database import transaction
from portal.models import UnknownRefusal

EVERY_SECONDS = 10.0
_PROCESS = uuid.uuid4()
_waiting: Counter[str] = Counter()
_lock = threading.Lock()
_written = [0.0]
log = logging.getLogger("shuniu.portal")


def count(url: str, code: str) -> None:
    """Count one refusal; write what has gathered when the last writing is long enough ago."""
    with _lock:
        _waiting[code] += 1
        if time.monotonic() - _written[0] < EVERY_SECONDS:
            return
        _written[0] = time.monotonic()
        gathered = dict(_waiting)
        _waiting.clear()
    try:
        write(url, gathered)
    except SQLAlchemyError:
        log.warning("the counts of refused unknown callers could not be written")


def write(url: str, counts: dict[str, int]) -> None:
    """Add counts to the rows of this hour."""
    hour = system_now().replace(minute=0, second=0, microsecond=0)
    with transaction(url) as session:
        for code, times in counts.items():
            row = insert(UnknownRefusal).values(hour=hour, code=code, process=_PROCESS, times=times)
            more = {"times": UnknownRefusal.times + row.excluded.times}
            session.execute(row.on_conflict_do_update(index_elements=["hour", "code", "process"], set_=more))
