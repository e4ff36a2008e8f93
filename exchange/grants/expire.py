"""End the grants whose term is over; the worker calls it again and again."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from audit.actor import HUB
from exchange.grants import load
from exchange.grants.end import finish
from exchange.grants.models import Grant, GrantState

BATCH = 200


def expire(session: Session) -> int:
    """End up to 200 grants whose last day is past, by the case clock; the door does not wait for this.

    Returns:
        how many it ended; 200 means that there may be more. The caller commits.
    """
    over = (
        select(Grant.id)
        .where(Grant.state != GrantState.ENDED, Grant.valid_to < case_today(session))
        .order_by(Grant.application_id)
        .limit(BATCH)
    )
    ended = 0
    for grant_id in session.scalars(over).all():
        grant = load.locked(session, grant_id)
        if grant.state != GrantState.ENDED:
            finish(session, HUB, grant, "Its term is over.")
            ended += 1
    return ended
