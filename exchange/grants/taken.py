"""What an agency took under its grants in some time: calls, rows, bytes and refusals by grant and mode (R48, R49)."""

import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from audit.models import Evidence
from directory.agencies.models import Agency
from directory.catalogue.models import Resource, ResourceVersion
from exchange.grants.models import Grant, ReleaseRecord

MOST_LINES = 1_000
MOST_REFUSALS = 10_000
_NO_GRANT = uuid.UUID(int=0)


@dataclass(frozen=True)
class Taken:
    """What left for an agency under one grant in one mode.

    Attributes:
        grant_number: "" for the one line of refusals under other grants than those named, or under none.
        mode: "" where nothing left, so that there are refusals alone.
        calls: openings of the door, finished or not.
        rows, size: what left in them, in rows and bytes.
        refused: how often a release under the grant was refused; on the first line of each grant.
    """

    grant_number: str
    resource_code: str
    resource_name: str
    mode: str
    calls: int
    rows: int
    size: int
    refused: int


def taken(session: Session, agency: Agency, since: datetime, until: datetime) -> list[Taken]:
    """What left for an agency, the most rows first, and what was refused to it; at most 1,000 lines and one.

    Refusals are counted up to 10,000. Grants of others that it tried are not named. The caller may read its evidence.

    Args:
        since, until: from this moment on, up to that one.
    """
    codes = {agency.credit_code, *(each.credit_code for each in agency.former)}
    refused = _refused(session, codes, since, until)
    lines = [
        Taken(*row[1:6], rows=int(row[6]), size=int(row[7]), refused=refused.pop(row[0], 0))
        for row in session.execute(_left(agency.id, since, until))
    ]
    if refused and len(lines) < MOST_LINES:
        own = _own(agency.id, refused).limit(MOST_LINES - len(lines))
        lines += [Taken(*row[1:], "", 0, 0, 0, refused.pop(row[0])) for row in session.execute(own)]
    if refused:
        lines.append(Taken("", "", "", "", 0, 0, 0, refused.total()))
    return lines


def _left(
    agency_id: uuid.UUID, since: datetime, until: datetime
) -> Select[uuid.UUID, str, str, str, str, int, int, int]:
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
    return (
        select(Grant.id, Grant.number, Resource.code, ResourceVersion.name, *list(sums.c)[1:])
        .join(sums, sums.c.grant_id == Grant.id)
        .join(Resource, Resource.id == Grant.resource_id)
        .join(ResourceVersion, ResourceVersion.id == Grant.resource_version_id)
        .order_by(sums.c.rows.desc(), Grant.number, sums.c.mode)
        .limit(MOST_LINES)
    )


def _own(agency_id: uuid.UUID, grant_ids: Collection[uuid.UUID]) -> Select[uuid.UUID, str, str, str]:
    """Those of some grants that are the agency's or everybody's."""
    return (
        select(Grant.id, Grant.number, Resource.code, ResourceVersion.name)
        .join(Resource, Resource.id == Grant.resource_id)
        .join(ResourceVersion, ResourceVersion.id == Grant.resource_version_id)
        .where(Grant.id.in_(grant_ids), or_(Grant.requester_id == agency_id, Grant.requester_id.is_(None)))
        .order_by(Grant.number)
    )


def _refused(session: Session, codes: Collection[str], since: datetime, until: datetime) -> Counter[uuid.UUID]:
    """How many releases were refused to an agency, under whichever of its codes, by the grant that was asked for."""
    refused = select(Evidence.subject).where(
        Evidence.kind == "release.refused",
        Evidence.outcome == "REFUSED",
        Evidence.agency_code.in_(codes),
        Evidence.recorded_at.between(since, until),
    )
    some = refused.limit(MOST_REFUSALS).subquery()
    found = Counter[uuid.UUID]()
    for subject, count in session.execute(select(some.c.subject, func.count()).group_by(some.c.subject)):
        found[_grant_id(subject)] += count
    return found


def _grant_id(subject: str) -> uuid.UUID:
    try:
        return uuid.UUID(subject.removeprefix("grant/"))
    except ValueError:  # of an entry that was falsified
        return _NO_GRANT
