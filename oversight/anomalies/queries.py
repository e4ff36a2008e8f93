"""Reading what was found."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.listing import Heap, Listing, Order
from audit.actor import Actor
from audit.models import Evidence, LogLeaf
from directory.permissions import require
from exchange.grants.models import Grant, GrantState
from oversight.anomalies.decide import unknown
from oversight.anomalies.models import Anomaly, AnomalyState, LookedThrough
from oversight.anomalies.permissions import read_anomalies

SHOWN = 10
MOST_COUNTED = 1_000
LONGEST_BEHIND = timedelta(minutes=10)
_NEWEST = (Anomaly.found_at, Anomaly.id)


@dataclass(frozen=True)
class Looked:
    """How far the log was looked through for unusual use.

    Attributes:
        size: entries that were looked through.
        entries: entries that the log has.
        until: the moment of the last of those looked through; None where there is none.
        wrong: whether the next has waited for more than ten minutes, or more count as looked through than there are.
    """

    size: int
    entries: int
    until: datetime | None
    wrong: bool


def looked_through(session: Session) -> Looked:
    """How far the log was looked through, beside its own size."""
    size = session.scalar(select(LookedThrough.size)) or 0
    entries = session.scalar(select(func.coalesce(func.max(LogLeaf.leaf_index) + 1, 0))) or 0
    waits = _moment_at(session, size)
    late = waits is not None and system_now() - waits > LONGEST_BEHIND
    return Looked(size, entries, _moment_at(session, size - 1), late or size > entries)


def _moment_at(session: Session, number: int) -> datetime | None:
    """When the entry with a number in the log was recorded."""
    entries = select(Evidence.recorded_at).join(LogLeaf, LogLeaf.evidence_id == Evidence.id)
    return session.scalar(entries.where(LogLeaf.leaf_index == number))


def listing(actor: Actor, *, only_open: bool) -> Listing[Anomaly]:
    """Anomalies as a list to narrow and to order, the highest score first.

    Raises:
        NotAllowed: the actor may not read them.
    """
    require(read_anomalies(actor))
    found = select(Anomaly)
    return Listing(
        found.where(Anomaly.state == AnomalyState.OPEN) if only_open else found,
        {"rule": Anomaly.rule, "state": Anomaly.state, "receiver": Anomaly.agency_id},
        {
            "score": Order((Anomaly.score, *_NEWEST), descending=True),
            "newest": Order(_NEWEST, descending=True),
            "oldest": Order(_NEWEST),
        },
    )


def waiting(session: Session, actor: Actor) -> Heap[Anomaly]:
    """The ten open ones with the highest score, and how many there are; counting stops at 1,000.

    Raises:
        NotAllowed: the actor may not read them.
    """
    counted = select(Anomaly.id).where(Anomaly.state == AnomalyState.OPEN).limit(MOST_COUNTED).subquery()
    total = session.scalar(select(func.count()).select_from(counted)) or 0
    return Heap(listing(actor, only_open=True).page(session, limit=SHOWN).items, total)


def anomaly(session: Session, actor: Actor, anomaly_id: uuid.UUID) -> Anomaly:
    """One anomaly.

    Raises:
        NotAllowed: the actor may not read them.
        NotFound: there is none.
    """
    require(read_anomalies(actor))
    found = session.get(Anomaly, anomaly_id)
    if found is None:
        raise unknown()
    return found


def standing_still(session: Session, rows: Collection[Anomaly]) -> dict[uuid.UUID, str]:
    """The states of those of the anomalies' grants that are suspended or have ended."""
    ids = {row.grant_id for row in rows if row.grant_id}
    states = session.execute(select(Grant.id, Grant.state).where(Grant.id.in_(ids), Grant.state != GrantState.ACTIVE))
    return {row.id: row.state for row in states}


def rests_on(session: Session, entries: Collection[str]) -> Sequence[Evidence]:
    """The entries that an anomaly rests on, the latest first."""
    ids = [uuid.UUID(entry) for entry in entries]
    return session.scalars(select(Evidence).where(Evidence.id.in_(ids)).order_by(Evidence.recorded_at.desc())).all()
