"""The sequencer's problem, written down so that pages and commands can say it at once."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import ShuniuError
from audit.stall.models import LogStall


def put_down(session: Session, error: Exception) -> None:
    """Write down what keeps the sequencer from signing; the moment stays while the problem does."""
    known = isinstance(error, ShuniuError)
    problem = str(error) if known else f"Evidence could not be sequenced ({type(error).__name__})."
    other = update(LogStall).where(LogStall.problem != problem)
    session.execute(other.values(problem=problem, problem_since=system_now()))


def clear(session: Session) -> None:
    """The sequencer did its work: nothing is wrong any more."""
    session.execute(update(LogStall).where(LogStall.problem != "").values(problem="", problem_since=None))
