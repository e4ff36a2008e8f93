"""What an agency took under its grants in some time: calls, rows and bytes by grant and mode (R48, R49)."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from directory.catalogue.models import Resource, ResourceVersion
from exchange.grants.models import Grant, ReleaseRecord

MOST_LINES = 1_000


@dataclass(frozen=True)
class Taken:
    """What left for an agency under one grant in one mode.

    Attributes:
        calls: openings of the door, finished or not.
        rows, size: what left in them, in rows and bytes.
    """

    grant_id: uuid.UUID
    grant_number: str
    resource_code: str
    resource_name: str
    mode: str
    calls: int
    rows: int
    size: int


def taken(session: Session, agency_id: uuid.UUID, since: datetime, until: datetime) -> list[Taken]:
    """What left for an agency, the most rows first; at most 1,000 lines. The caller may read its evidence.

    Args:
        since, until: from this moment on, before that one.
    """
    sums = (
        select(
            ReleaseRecord.grant_id,
            ReleaseRecord.mode,
            func.count().label("calls"),
            func.sum(ReleaseRecord.rows).label("rows"),
            func.sum(ReleaseRecord.bytes).label("size"),
        )
        .where(ReleaseRecord.agency_id == agency_id, ReleaseRecord.authorised_at.between(since, until))
        .group_by(ReleaseRecord.grant_id, ReleaseRecord.mode)
        .subquery()
    )
    statement = (
        select(Grant.id, Grant.number, Resource.code, ResourceVersion.name, *list(sums.c)[1:])
        .join(sums, sums.c.grant_id == Grant.id)
        .join(Resource, Resource.id == Grant.resource_id)
        .join(ResourceVersion, ResourceVersion.id == Grant.resource_version_id)
        .order_by(sums.c.rows.desc(), Grant.number, sums.c.mode)
        .limit(MOST_LINES)
    )
    rows = session.execute(statement)
    return [Taken(row[0], row[1], row[2], row[3], row[4], row[5], int(row[6]), int(row[7])) for row in rows]
