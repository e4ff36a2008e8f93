"""An entry when the hub stops delivering because its evidence is not signed for, and one when it goes on."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.actor import HUB
from audit.append import append
from audit.stall.models import LogStall
from audit.standing import configured_grace, lag

SUBJECT = "log_store/1"


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
