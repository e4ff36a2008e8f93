"""Reading what was found."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from audit.models import Evidence
from directory.permissions import require
from oversight.anomalies.decide import unknown
from oversight.anomalies.models import Anomaly, AnomalyState
from oversight.anomalies.permissions import read_anomalies

MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Wanted:
    """Which anomalies; empty fields do not restrict.

    Attributes:
        newest: the latest found first, else the highest score.
    """

    state: str = ""
    rule: str = ""
    agency_id: uuid.UUID | None = None
    grant_id: uuid.UUID | None = None
    newest: bool = False


def anomalies(
    session: Session, actor: Actor, wanted: Wanted, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Anomaly]:
    """Anomalies, the highest score or the latest first.

    Raises:
        NotAllowed: the actor may not read them.
    """
    require(read_anomalies(actor))
    latest = [Anomaly.found_at, Anomaly.id]
    order = latest if wanted.newest else [Anomaly.score, *latest]
    return page_of(session, _which(wanted), order, cursor=cursor, limit=limit, descending=True)


def count(session: Session, wanted: Wanted) -> int:
    """How many there are; counting stops at 1,000."""
    found = _which(wanted).with_only_columns(Anomaly.id).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def counts(session: Session) -> dict[str, int]:
    """How many are in each state, each counted to 1,000."""
    return {state: count(session, Wanted(state=state)) for state in AnomalyState}


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


def rests_on(session: Session, entries: Collection[str]) -> Sequence[Evidence]:
    """The evidence that an anomaly rests on, the latest first; what was moved to the archive is left out."""
    ids = [uuid.UUID(entry) for entry in entries]
    return session.scalars(select(Evidence).where(Evidence.id.in_(ids)).order_by(Evidence.recorded_at.desc())).all()


def _which(wanted: Wanted) -> Select[Anomaly]:
    equal = {
        Anomaly.state: wanted.state,
        Anomaly.rule: wanted.rule,
        Anomaly.agency_id: wanted.agency_id,
        Anomaly.grant_id: wanted.grant_id,
    }
    return select(Anomaly).where(*(column == value for column, value in equal.items() if value))
