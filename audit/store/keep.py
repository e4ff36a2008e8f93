"""Each hour the newest checkpoint goes under object lock, and the newest that enough witnesses cosigned if that is an
older one: what the log was then, and that they agreed to it, nobody can take back before its time."""

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.correction.declared import TOLERANCE
from audit.models import LogCheckpoint
from audit.store.models import KEEP_LOCK, KeptCheckpoint
from audit.store.place import DAYS_OF_A_YEAR, Place
from audit.store.publish import state_of
from audit.witness.gathered import Cosigned, newest_cosigned, with_cosignatures

HOUR = timedelta(hours=1)
LOOKED_AT = 1_000
"""Rows of earlier hours, of some weeks: more than a clock's error goes unseen, and less than a table."""
LOCKED, NOT_LOCKED = "LOCKED", "NOT_LOCKED"


def try_lock(session: Session, place: Place) -> bool:
    """Find out by trial whether the store holds what it is told to hold, and write it down; the caller commits.

    Raises:
        Transient: the store does not answer.
    """
    holds = place.locked.locks(place.key("trial"))
    state_of(session).lock = LOCKED if holds else NOT_LOCKED
    session.flush()
    return holds


def keep(session: Session, place: Place, *, locks: bool, most: int | None = None) -> list[KeptCheckpoint]:
    """Keep what is to be kept of this hour if it is not; the caller commits. The newest checkpoint is kept with the
    cosignatures given so far: an older one that enough cosigned would leave out this hour. That one goes beside it, so
    that its witnesses' word cannot be deleted either.

    A crash before the commit leaves one version more under the same keys, which are held too and do no harm.

    Args:
        session: of the sequencer role, in a transaction of its own.
        place: where to.
        locks: whether the store has object lock; without it checkpoints are kept and can be deleted.
        most: the size of the largest checkpoint to keep; None for whatever is signed, published or not.

    Returns:
        What was kept; nothing when this hour's are, or nothing is signed yet, or another process keeps them.

    Raises:
        Transient: the store does not answer.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(KEEP_LOCK))):
        return []
    now = system_now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    signed = select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1)
    newest = session.scalar(signed if most is None else signed.where(LogCheckpoint.size <= most))
    if newest is None or _is_kept(session, hour, now, newest.size):
        return []
    if session.get(KeptCheckpoint, (hour, False)) is not None:
        hour = now  # beside what a clock kept that ran ahead, which is held
    found = {False: Cosigned(newest.size, with_cosignatures(session, newest.size, newest.note))}
    agreed = newest_cosigned(session, most=newest.size)
    if agreed and agreed.size < newest.size:
        found[True] = agreed
    until = now + timedelta(days=DAYS_OF_A_YEAR * place.years) if locks else None
    kept = []
    for cosigned, each in found.items():
        key, note = place.kept_key(hour, cosigned=cosigned), each.note.encode()
        row = KeptCheckpoint(hour=hour, cosigned=cosigned, key=key, size=each.size, digest=sha256(note).digest())
        row.version, row.kept_at, row.retain_until = place.locked.put_held(key, note, until), now, until
        kept.append(row)
    session.add_all(kept)
    session.flush()
    return kept


def _is_kept(session: Session, hour: datetime, now: datetime, newest: int) -> bool:
    """Whether this hour's checkpoint is kept. What a clock kept that ran ahead is none: its moment is still to come,
    or it is smaller than what was kept in an hour before, once that clock was right."""
    row = KeptCheckpoint
    before = select(row.size).where(row.hour < hour).order_by(row.hour.desc()).limit(LOOKED_AT).subquery()
    least = min(newest, session.scalar(select(func.max(before.c.size))) or 0)
    within = exists().where(row.hour >= hour, row.hour < hour + HOUR, ~row.cosigned)
    return bool(session.scalar(select(within.where(row.kept_at <= now + TOLERANCE, row.size >= least))))
