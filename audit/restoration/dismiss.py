"""Going on where nothing is lost: a witness claimed to have seen more, and two people found that it was wrong.

Witnesses are shown published checkpoints alone, so one that knows more than the store is wrong, or its record is of
another log. It must not be able to stop the hub for good; nor must one person be able to pass over what it says.
"""

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import Written, append
from audit.leaves import Source
from audit.log_keys import LogKeys
from audit.models import LOG_LOCK
from audit.restoration.look import STORE, ask, furthest, stands_still
from audit.restoration.models import LogRestoration
from audit.witness.policy import Policy

NOTHING_LOST = "log.nothing_lost"


def unfounded(session: Session, source: Source, keys: LogKeys, policy: Policy | None) -> LogRestoration:
    """The finding, if it was a witness's and nobody of today's policy, nor the store, knows more than this database.

    Raises:
        Conflict: the log does not stand still, the store had more entries, or somebody still knows more.
        Transient: the store does not answer.
    """
    row = stands_still(session)
    if row is None:
        raise Conflict("restoration.none", "Nobody knows more of the log than this database, so nothing is lost.")
    most = furthest(session, ask(session, source, keys, policy))
    if row.seen_by == STORE or most is not None:
        raise Conflict(
            "restoration.still_ahead",
            "{seen_by} has {size} entries. If a witness is wrong, take it out of the policy first; what the object"
            " store had is declared as lost, without {option}.",
            seen_by=most.by if most else row.seen_by,
            size=most.size if most else row.seen_size,
            option="--nothing-lost",
        )
    return row


def declare(session: Session, row: LogRestoration, system: Actor, audit: Actor, reasons: tuple[str, str]) -> Written:
    """Record that the witness's word is passed over, why, and who answers for it; the caller commits.

    Args:
        system: the system administrator, who asks.
        audit: the audit administrator, who confirms.
        reasons: of the one and of the other.
    """
    after = {
        "size": row.own_size,
        "claimed_size": row.seen_size,
        "claimed_by": row.seen_by,
        "confirmed_by": str(audit.person_id),
    }
    personal = {"reason": reasons[0], "confirmed_because": reasons[1], "confirmed_by": audit.name}
    return append(session, NOTHING_LOST, "log/1", system, after=after, personal=personal)


def go_on(session: Session, entry_id: uuid.UUID) -> None:
    """Let the log go on from where it is; the caller commits.

    Args:
        session: of the sequencer role, in a transaction of its own.
        entry_id: the entry that records it.

    Raises:
        Conflict: the log does not stand still any more.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOG_LOCK)))
    row = stands_still(session)
    if row is None:
        raise Conflict("restoration.changed", "The log has changed meanwhile. Look at its state and begin anew.")
    row.seen_size, row.evidence_id, row.done_at = row.own_size, entry_id, system_now()
    session.flush()
