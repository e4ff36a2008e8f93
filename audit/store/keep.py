"""One checkpoint an hour goes under object lock: what the log was then, nobody can take back before its time."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.models import LogCheckpoint
from audit.store.models import PUBLISH_LOCK, KeptCheckpoint
from audit.store.place import DAYS_OF_A_YEAR, Place
from audit.store.publish import state_of
from audit.witness.gathered import with_cosignatures

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


def keep(session: Session, place: Place, *, locks: bool) -> KeptCheckpoint | None:
    """Keep a checkpoint if none of this hour is kept; the caller commits. It is the newest that was signed, published
    or not, with the cosignatures given so far: an older one that enough cosigned would leave out this hour.

    A crash before the commit leaves one version more under the same key, which is held too and does no harm.

    Args:
        session: of the sequencer role, in a transaction of its own.
        place: where to.
        locks: whether the store has object lock; without it the checkpoint is kept and can be deleted.

    Raises:
        Transient: the store does not answer.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(PUBLISH_LOCK))):
        return None
    now = system_now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    newest = session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1)).first()
    if newest is None or session.get(KeptCheckpoint, hour) is not None:
        return None
    until = now + timedelta(days=DAYS_OF_A_YEAR * place.years) if locks else None
    key = place.kept_key(hour)
    version = place.locked.put_held(key, with_cosignatures(session, newest.size, newest.note).encode(), until)
    kept = KeptCheckpoint(hour=hour, key=key, size=newest.size, version=version, kept_at=now, retain_until=until)
    session.add(kept)
    session.flush()
    return kept
