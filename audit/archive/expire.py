"""The end of an archive: when its period is over, two people may have it deleted, which is recorded first."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import NotAllowed
from audit.actor import Actor
from audit.append import append
from audit.archive.models import LogArchive
from audit.archive.verify import EXPIRED
from audit.archive.write import kept_until, lock
from audit.store.place import Place


def over(session: Session, years: int) -> list[LogArchive]:
    """Archives whose period of keeping is over, the first first, up to the first that must still be kept.

    Args:
        years: how long evidence is kept by the rule of today; none ends before it, however short it was when made.
    """
    found: list[LogArchive] = []
    for row in session.scalars(select(LogArchive).order_by(LogArchive.number)):
        if kept_until(row, years) > system_now():
            break
        if row.removed_at is None:
            found.append(row)
    return found


def declare(session: Session, years: int, system: Actor, audit: Actor, reasons: tuple[str, str]) -> int:
    """Record that their period is over and why they go; the caller commits, and then calls ``remove``.

    Args:
        session: of the owner, in a transaction of its own.
        years: as for ``over``.
        system: the system administrator, who has them deleted.
        audit: the audit administrator, who confirms.
        reasons: of the one and of the other, in words; they are encrypted beside the entry.

    Returns:
        How many archives it concerns.

    Raises:
        NotAllowed: these are not two people.
        Conflict: somebody else works on archives now.
    """
    if system.person_id is None or audit.person_id is None or system.person_id == audit.person_id:
        raise NotAllowed("evidence.two_people", "Two different people decide that archives are deleted.")
    lock(session)
    ended = [row for row in over(session, years) if row.expired_at is None]
    personal = {"reason": reasons[0], "confirmed_because": reasons[1], "confirmed_by": audit.name}
    for row in ended:
        told = {
            "number": row.number,
            "first": row.first_index,
            "end": row.end_index,
            "retain_until": f"{row.retain_until:%Y-%m-%d}",
            "confirmed_by": str(audit.person_id),
        }
        append(session, EXPIRED, f"evidence_archive/{row.digest}", system, after=told, personal=personal)
        row.expired_at = system_now()
    session.flush()
    return len(ended)


def remove(session: Session, place: Place) -> int:
    """Delete the objects of archives that were declared over; the caller commits. Again after a crash does no harm.

    Every version goes, also those that archiving left behind where it was broken off.

    Raises:
        Conflict: somebody else works on archives now.
        Transient: the store refuses, or does not answer.
    """
    lock(session)
    ended = [row for row in over(session, place.years) if row.expired_at is not None]
    for row in ended:
        for each in list(place.locked.versions(row.key)):
            place.locked.remove_version(each.key, each.version)
        row.removed_at = system_now()
    session.flush()
    return len(ended)
