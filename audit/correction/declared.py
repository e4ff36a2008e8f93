"""After which checkpoints an earlier moment may follow, as entries of two people say: read from the entries' own texts.

While the clock is behind the last checkpoint nothing is signed: a moment that is not the clock's would be made up. So a
log that signed under a clock of next year would stand still until then. The entry names the one checkpoint, by its size
and moment, after which an earlier moment may follow.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.archive.read import readable
from audit.models import Evidence, LogCheckpoint

CORRECTED = "log.clock_corrected"
TOLERANCE = timedelta(minutes=1)
"""Clocks are set right by seconds now and then; a checkpoint then bears the moment of the one before."""
Dating = tuple[int, int]
"""A checkpoint's size, and the moment of its signature in POSIX seconds."""


def dating(size: int, signed_at: datetime) -> Dating:
    """What names a checkpoint here."""
    return size, int(signed_at.timestamp())


def corrections(session: Session) -> frozenset[Dating]:
    """The checkpoints after which two people declared that moments go back. Entries that wait count too."""
    rows = session.execute(
        select(Evidence.id, Evidence.body).where(Evidence.kind == CORRECTED, Evidence.outcome == "DONE")
    ).all()
    archived = [row.id for row in rows if not row.body]
    kept = readable(session, archived) if archived else {}
    texts = (kept[row.id].body if row.id in kept else row.body for row in rows)
    return frozenset(found for body in texts if (found := _stated(body)))


def dated_back(session: Session, last: LogCheckpoint) -> bool:
    """Whether the checkpoint after the last one may bear an earlier moment."""
    return dating(last.size, last.signed_at) in corrections(session)


def _stated(body: bytes) -> Dating | None:
    """What an entry's text declares; None where it is falsified, which verification names by itself."""
    try:
        data: Mapping[str, Any] = orjson.loads(body)["data"]
        after, person = data["after"], data["actor"]["person"]
        return (int(after["size"]), int(after["moment"])) if person and person != after["confirmed_by"] else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
