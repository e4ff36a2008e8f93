"""Write down what was found: a row, once, and an entry of evidence; what is open grows, each time with an entry."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.actor import HUB
from audit.append import append
from directory.people.models import Person
from oversight.anomalies.models import Anomaly, AnomalyState
from oversight.anomalies.rules import InForce
from oversight.anomalies.scoring import Unusual
from schemas.canonical import digest

MOST_ENTRIES = 20
GROWN_AFTER = timedelta(hours=1)
"""What is open and scores no higher is written down anew this long after it was last: so entries stay few."""


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
        if row.state == AnomalyState.OPEN and _more(row, latest[key]):
            _state(row, latest[key])
            _tell(session, row, "anomaly.grown", {})
    new = [each for key, each in latest.items() if key not in known]
    for each in new:
        _write(session, each)
    session.flush()
    return len(new)


def _more(row: Anomaly, found: Found) -> bool:
    more = found.unusual.score - row.score
    return more > 0 or (more == 0 and found.last_seen >= row.last_seen + GROWN_AFTER)


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
    _tell(
        session,
        row,
        "anomaly.found",
        {
            "grant": str(row.grant_id) if row.grant_id else None,
            "agency": str(row.agency_id) if row.agency_id else None,
            "person": str(row.person_id) if row.person_id else None,
            "client": row.client_id or None,
        },
    )


def _tell(session: Session, row: Anomaly, kind: str, about: Mapping[str, Any]) -> None:
    """An entry of what a row says now."""
    names = ("rule", "revision", "finding", "score", "entries")
    after = {**{name: getattr(row, name) for name in names}, **about}
    append(session, kind, f"anomaly/{row.id}", HUB, after=after, personal={"key": row.key, **weight(row)})


def weight(row: Anomaly) -> dict[str, object]:
    """What an anomaly rests on, by a digest; it grows while it is open and never after."""
    names = ("revision", "figures", "finding", "measured", "score", "entries")
    seen = [moment.astimezone(UTC).isoformat() for moment in (row.first_seen, row.last_seen)]
    return {"weight": digest({"seen": seen, **{name: getattr(row, name) for name in names}})}


def _state(row: Anomaly, found: Found) -> None:
    row.revision, row.figures = found.rule.revision, dict(found.rule.figures)
    row.finding, row.score = found.unusual.name, found.unusual.score
    row.measured = {**found.unusual.measured, **found.more}
    row.entries = [str(entry) for entry in found.entries][:MOST_ENTRIES]
    row.first_seen = min(found.first_seen, row.first_seen)
    row.last_seen = max(found.last_seen, found.first_seen)
