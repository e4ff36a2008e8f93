"""The end of an archive: when its period of keeping is over, a person may have it deleted, which is recorded first."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.actor import Actor
from audit.append import append
from audit.archive.models import LogArchive
from audit.archive.verify import EXPIRED
from audit.archive.write import lock
from audit.store.place import Place


def over(session: Session) -> list[LogArchive]:
    """Archives whose period of keeping is over, the first first, up to the first that must still be kept."""
    found: list[LogArchive] = []
    for row in session.scalars(select(LogArchive).order_by(LogArchive.number)):
        if row.retain_until > system_now():
            break
        if row.removed_at is None:
            found.append(row)
    return found


def declare(session: Session, actor: Actor, reason: str) -> int:
    """Record that their period is over and why they go; the caller commits, and then calls ``remove``.

    Args:
        session: of the owner, in a transaction of its own.
        actor: who decides.
        reason: why, in words; it is encrypted beside the entry.

    Returns:
        How many archives it concerns.

    Raises:
        Conflict: somebody else works on archives now.
    """
    lock(session)
    ended = [row for row in over(session) if row.expired_at is None]
    for row in ended:
        told = {"number": row.number, "first": row.first_index, "end": row.end_index}
        told_until = {**told, "retain_until": f"{row.retain_until:%Y-%m-%d}"}
        append(session, EXPIRED, f"evidence_archive/{row.digest}", actor, after=told_until, personal={"reason": reason})
        row.expired_at = system_now()
    session.flush()
    return len(ended)


def remove(session: Session, place: Place) -> int:
    """Delete the objects of archives that were declared over; the caller commits. Again after a crash does no harm.

    Raises:
        Conflict: somebody else works on archives now.
        Transient: the store refuses, or does not answer.
    """
    lock(session)
    ended = [row for row in over(session) if row.expired_at is not None]
    for row in ended:
        place.locked.remove_version(row.key, row.version)
        row.removed_at = system_now()
    session.flush()
    return len(ended)
