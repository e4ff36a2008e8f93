"""After which checkpoints an earlier moment may follow, as entries of two people say.

While the clock is behind the last checkpoint nothing is signed: a moment that is not the clock's would be made up. So a
log that signed under a clock of next year would stand still until then. The entry's subject names the one
checkpoint, by its size and moment, after which an earlier moment may follow.
"""

import uuid
from datetime import datetime, timedelta

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import ShuniuError
from audit.archive.read import bodies
from audit.models import Evidence, LogCheckpoint

CORRECTED = "log.clock_corrected"
CHECKPOINT = "log_checkpoint"
TOLERANCE = timedelta(minutes=1)
"""Clocks are set right by seconds now and then; a checkpoint then bears the moment of the one before."""
Dating = tuple[int, int]
"""A checkpoint's size, and the moment of its signature in POSIX seconds."""


def dating(size: int, signed_at: datetime) -> Dating:
    """What names a checkpoint here."""
    return size, int(signed_at.timestamp())


def subject_of(which: Dating) -> str:
    """The subject of the entry that names a checkpoint: it stays where the entry's text is archived or gone."""
    return f"{CHECKPOINT}/{which[0]}@{which[1]}"


def corrections(session: Session) -> frozenset[Dating]:
    """The checkpoints after which two people declared that moments go back. Entries that wait count too.

    What an entry says is in its columns, which verification compares with its text. That the two are different people
    is in the text alone: where that cannot be read, the entry that is in the log stands.
    """
    said = select(Evidence.id, Evidence.subject, Evidence.person_id, Evidence.body)
    rows = session.execute(said.where(Evidence.kind == CORRECTED, Evidence.outcome == "DONE")).all()
    texts = bodies(session, {row.id: row.body for row in rows}, over=ShuniuError)
    by_two = (row for row in rows if row.person_id and (row.id not in texts or _by_two(texts[row.id], row.person_id)))
    return frozenset(found for row in by_two if (found := named(row.subject)))


def dated_back(session: Session, last: LogCheckpoint) -> bool:
    """Whether the checkpoint after the last one may bear an earlier moment."""
    return dating(last.size, last.signed_at) in corrections(session)


def named(subject: str) -> Dating | None:
    """The checkpoint that a subject names; None where it names none."""
    noun, _, key = subject.partition("/")
    size, _, moment = key.partition("@")
    return (int(size), int(moment)) if noun == CHECKPOINT and size.isdecimal() and moment.isdecimal() else None


def _by_two(body: bytes, person: uuid.UUID) -> bool:
    """Whether an entry's text names a second person; not where it is falsified, which verification names by itself."""
    try:
        confirmed_by: str = orjson.loads(body)["data"]["after"]["confirmed_by"]
        return uuid.UUID(confirmed_by) != person
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
