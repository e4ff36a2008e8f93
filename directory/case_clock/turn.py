"""Turning the case clock on a site for tests or demonstration; every turn is evidence."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from adapters.clock import CaseClock, case_now
from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append
from directory.permissions import require, turn_case_clock

FARTHEST = 20 * 366 * 86_400
"""Seconds that the case clock may be from the system clock."""


def turn(session: Session, actor: Actor, seconds: int, settings: Settings) -> CaseClock:
    """Turn the case clock on, or back with a negative number.

    Raises:
        NotAllowed: the site's case clock cannot be turned, or not by this actor.
        InvalidInput: more than twenty years from the system clock.
    """
    require(turn_case_clock(actor, settings.case_clock_turnable), "case_clock.turned", "case_clock/1")
    session.execute(insert(CaseClock).values(id=1, offset_seconds=0).on_conflict_do_nothing())
    clock = session.get_one(CaseClock, 1, with_for_update=True, populate_existing=True)
    if abs(clock.offset_seconds + seconds) > FARTHEST:
        sentence = "The clock is turned by whole seconds, at most twenty years from the system clock."
        raise InvalidInput("case_clock.seconds", sentence, [{"pointer": "/seconds", "message": sentence}])
    before = {"offset_seconds": clock.offset_seconds}
    clock.offset_seconds += seconds
    session.flush()
    after = {"offset_seconds": clock.offset_seconds}
    append(session, "case_clock.turned", "case_clock/1", actor, before=before, after=after, case_time=case_now(session))
    return clock
