"""The case clock beside the evidence log (R120)."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import CaseClock
from audit.models import Evidence
from audit.reconcile import Discrepancy, differences, last_entry, recorded

_CLOCK = "case_clock/1"
_TURNED = "case_clock.turned"


def clock_follows_entries(session: Session) -> Iterator[Discrepancy]:
    """The clock, where it is not turned as far as its last entry says; without an entry it is not turned."""
    last = last_entry(session, _CLOCK, [_TURNED])
    stated = {"offset_seconds": 0}
    if last is not None:
        entries = recorded(session, Evidence.subject, [_CLOCK], [_TURNED], only=last).get(_CLOCK, [])
        stated = dict(entries[-1].after) if entries else {}
    found = session.scalar(select(CaseClock.offset_seconds).where(CaseClock.id == 1)) or 0
    yield from differences(_CLOCK, {"offset_seconds": found}, stated)
