"""Declaring that the clock had run ahead: what two people say, and when it is refused."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotAllowed
from audit.actor import Actor
from audit.append import Written, append
from audit.correction.declared import CORRECTED, TOLERANCE, dating, subject_of
from audit.models import LogCheckpoint


def ran_ahead(session: Session) -> LogCheckpoint:
    """The last checkpoint, which was signed later than it is now.

    Raises:
        Conflict: the clock is not behind it, so there is nothing to declare.
    """
    last = session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))
    if last is None or last.signed_at - system_now() <= TOLERANCE:
        raise Conflict("clock.not_behind", "The clock is not behind the last checkpoint, so the log goes on by itself.")
    return last


def declare(session: Session, system: Actor, audit: Actor, reasons: tuple[str, str]) -> Written:
    """Record that the clock had run ahead and is right now, why, and who answers for it; the caller commits.

    Args:
        system: the system administrator, who set the clock right.
        audit: the audit administrator, who confirms.
        reasons: of the one and of the other.

    Raises:
        Conflict: the clock is not behind the last checkpoint.
        NotAllowed: these are not two people.
    """
    last = ran_ahead(session)
    if system.person_id is None or audit.person_id is None or system.person_id == audit.person_id:
        raise NotAllowed("clock.two_people", "Two different people declare that the clock had run ahead.")
    after = {"clock": system_now().isoformat(), "confirmed_by": str(audit.person_id)}
    personal = {"reason": reasons[0], "confirmed_because": reasons[1], "confirmed_by": audit.name}
    return append(
        session, CORRECTED, subject_of(dating(last.size, last.signed_at)), system, after=after, personal=personal
    )
