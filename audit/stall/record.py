"""An entry when the hub stops delivering because its evidence is not signed for, when too few witnesses agree to it, or
when an hour passed without a kept checkpoint, and one when that is over."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.actor import HUB
from audit.append import append
from audit.stall.models import LogStall
from audit.standing import configured_grace, lag
from audit.store.queries import store_state
from audit.witness.standing import agreement

SUBJECT = "log_stall/1"
"""The row that says so. Older entries have that of the object store."""
STORE = "log_store/1"
"""The object store, which keeps the hourly checkpoints."""


def record_stall(session: Session) -> int:
    """Record that deliveries stopped, or go on again; once each, however many workers look. The caller commits.

    Returns:
        How many entries were written, 0 or 1.
    """
    row = session.scalars(select(LogStall).with_for_update()).one()
    behind, still = lag(session)
    stopped = still or behind > configured_grace()
    if stopped == (row.stopped_at is not None):
        return 0
    if stopped:
        row.stopped_at = system_now()
        told = {"behind_seconds": int(behind.total_seconds()), "problem": row.problem, "stands_still": still}
        grace = int(configured_grace().total_seconds())
        append(session, "delivery.stopped", SUBJECT, HUB, after={**told, "grace_seconds": grace})
    else:
        since = row.stopped_at.isoformat() if row.stopped_at else ""
        row.stopped_at = None
        append(session, "delivery.resumed", SUBJECT, HUB, before={"stopped_at": since})
    session.flush()
    return 1


def record_quorum(session: Session) -> int:
    """Record that too few witnesses agree to what the log signed, or enough again; once each. The caller commits.

    Returns:
        How many entries were written, 0 or 1.
    """
    row = session.scalars(select(LogStall).with_for_update()).one()
    said = agreement(session)
    if said.lacking == (row.lacking_at is not None):
        return 0
    witnesses = {each.name: {"size": each.size, "problem": each.problem} for each in said.witnesses}
    facts = {"agreed_size": said.size, "witnesses": witnesses}
    if said.lacking:
        row.lacking_at = system_now()
        append(session, "witness.quorum_lost", SUBJECT, HUB, after=facts)
    else:
        before = {"lacking_at": row.lacking_at.isoformat() if row.lacking_at else ""}
        row.lacking_at = None
        append(session, "witness.quorum_regained", SUBJECT, HUB, before=before, after=facts)
    session.flush()
    return 1


def record_unkept(session: Session) -> int:
    """Record that an hour passed without a kept checkpoint, or that one is kept again; once each. The caller commits.

    Returns:
        How many entries were written, 0 or 1.
    """
    row = session.scalars(select(LogStall).with_for_update()).one()
    store = store_state(session)
    if store.unkept == (row.unkept_at is not None):
        return 0
    kept_at = store.kept_at.isoformat() if store.kept_at else ""
    if store.unkept:
        row.unkept_at = system_now()
        append(session, "checkpoint.not_kept", STORE, HUB, after={"kept_at": kept_at, "problem": store.problem})
    else:
        before = {"not_kept_at": row.unkept_at.isoformat() if row.unkept_at else ""}
        row.unkept_at = None
        append(session, "checkpoint.kept_again", STORE, HUB, before=before, after={"kept_at": kept_at})
    session.flush()
    return 1
