"""Write down what was found: a row, once, and an entry of evidence; what is still open grows with what follows."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.actor import HUB
from audit.append import append
from directory.people.models import Person
from oversight.anomalies.models import Anomaly, AnomalyState
from oversight.anomalies.rules import InForce
from oversight.anomalies.scoring import Unusual

MOST_ENTRIES = 20


@dataclass(frozen=True)
class Found:
    """Something unusual about a grant or an account.

    Attributes:
        key: what and when, so that it is found once.
        entries: evidence it rests on.
        more: what the sentence says besides the measured figures (``day``, ``since``, ``until``).
    """

    key: str
    rule: InForce
    unusual: Unusual
    entries: Sequence[uuid.UUID | str]
    first_seen: datetime
    last_seen: datetime
    more: dict[str, Any] = field(default_factory=dict)
    grant_id: uuid.UUID | None = None
    agency_id: uuid.UUID | None = None
    account: str = ""


def record(session: Session, found: Collection[Found]) -> int:
    """Write down what is new, and let what is open grow; what was decided stays as it is, also when that is just now.

    Returns:
        how many are new. The caller commits.
    """
    latest = {each.key: each for each in found}
    mine = select(Anomaly).where(Anomaly.key.in_(list(latest))).order_by(Anomaly.id).with_for_update()
    known = {row.key: row for row in session.scalars(mine.execution_options(populate_existing=True))}
    for key, row in known.items():
        if row.state == AnomalyState.OPEN and latest[key].unusual.score >= row.score:
            _state(row, latest[key])
    new = [each for key, each in latest.items() if key not in known]
    for each in new:
        _write(session, each)
    session.flush()
    return len(new)


def _write(session: Session, found: Found) -> None:
    noun, _, key = found.account.partition("/")
    person_id = session.scalar(select(Person.id).where(Person.id == uuid.UUID(key))) if noun == "person" else None
    row = Anomaly(
        id=uuid.uuid4(),
        key=found.key,
        rule=found.rule.rule,
        state=AnomalyState.OPEN,
        grant_id=found.grant_id,
        agency_id=found.agency_id,
        person_id=person_id,
        client_id=key if noun == "client" else "",
        first_seen=found.first_seen,
    )
    _state(row, found)
    session.add(row)
    after = {
        "rule": row.rule,
        "revision": row.revision,
        "finding": row.finding,
        "score": row.score,
        "grant": str(row.grant_id) if row.grant_id else None,
        "agency": str(row.agency_id) if row.agency_id else None,
        "person": str(row.person_id) if row.person_id else None,
        "client": row.client_id or None,
        "entries": row.entries,
    }
    append(session, "anomaly.found", f"anomaly/{row.id}", HUB, after=after)


def _state(row: Anomaly, found: Found) -> None:
    row.revision, row.figures = found.rule.revision, dict(found.rule.figures)
    row.finding, row.score = found.unusual.name, found.unusual.score
    row.measured = {**found.unusual.measured, **found.more}
    row.entries = [str(entry) for entry in found.entries][:MOST_ENTRIES]
    row.first_seen = min(found.first_seen, row.first_seen)
    row.last_seen = max(found.last_seen, found.first_seen)
