"""Reading what was recorded since last time, as the rules see it.

Entries are taken by their numbers in the log. The sequencer gives numbers to committed entries, without a gap and once,
so nothing that commits late is passed over, and nothing is counted twice.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE
from audit.models import Evidence, LogLeaf
from audit.opened import personal_details
from directory.agencies.models import Agency
from exchange.grants.models import Grant, ReleaseRecord, ReleaseState
from oversight.anomalies.memory import Use
from oversight.anomalies.places import place_of
from schemas.words import Mode

AnyRow = Row[*tuple[Any, ...]]
LONGEST_CLIENT = 64
SAMPLE = 1_000
"""Releases of a grant on a day that are looked at one by one: the latest."""
MONTH_READ, MONTH_MISSED = 10_000, 3_000
"""Of a month, the latest that are read, and of those the latest without a row that are looked at one by one."""


def uses_since(session: Session, size: int, most: int) -> tuple[list[Use], int, int]:
    """Uses by accounts among the entries from a number on, in the log's order; archived ones are passed over.

    So are texts that are no entry's, which verification names: one falsified text must not end the search.

    Args:
        size: the first number.
        most: entries to read.

    Returns:
        the uses, how many entries were read, and the number after the last of them.
    """
    numbered = select(LogLeaf.leaf_index, LogLeaf.evidence_id).where(LogLeaf.leaf_index >= size)
    leaves = session.execute(numbered.order_by(LogLeaf.leaf_index).limit(most)).all()
    if not leaves:
        return [], 0, size
    columns = (
        Evidence.id,
        Evidence.recorded_at,
        Evidence.kind,
        Evidence.outcome,
        Evidence.subject,
        Evidence.agency_code,
    )
    rows = select(*columns, Evidence.person_id, Evidence.body).where(
        Evidence.id.in_([leaf.evidence_id for leaf in leaves]), Evidence.agency_code != ""
    )
    order = {leaf.evidence_id: leaf.leaf_index for leaf in leaves}
    entries = sorted(session.execute(rows).all(), key=lambda row: order[row.id])
    return _uses(session, entries), len(leaves), leaves[-1].leaf_index + 1


def _uses(session: Session, entries: Sequence[AnyRow]) -> list[Use]:
    data = {row.id: stated for row in entries if (stated := _stated(row.body))}
    entries = [row for row in entries if row.id in data]
    releases = _releases(session, [key for row in entries if (key := _key(row.subject, "release"))])
    grants = _known_grants(session, [key for row in entries if (key := _key(row.subject, "grant"))])
    agencies = _agencies(session, {row.agency_code for row in entries})
    details = personal_details(session, [row.id for row in entries])
    made = []
    for row in entries:
        client = str(data[row.id]["actor"].get("client") or "")[:LONGEST_CLIENT]
        account = f"person/{row.person_id}" if row.person_id else f"client/{client}"
        if account != "client/":
            place = place_of(str(details.get(row.id, {}).get("address", "")))
            made.append(_use(row, account, place, data[row.id].get("after") or {}, releases, grants, agencies))
    return made


def _stated(body: bytes) -> Mapping[str, Any] | None:
    """What an entry says; None where its text is archived or no entry's."""
    try:
        data = orjson.loads(body)["data"]
        return data if isinstance(data["actor"], dict) and isinstance(data.get("after") or {}, dict) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _use(
    row: AnyRow,
    account: str,
    place: str,
    after: Mapping[str, Any],
    releases: Mapping[uuid.UUID, AnyRow],
    grants: Mapping[uuid.UUID, uuid.UUID | None],
    agencies: Mapping[str, uuid.UUID],
) -> Use:
    release = releases.get(_key(row.subject, "release") or row.id)
    agency_id = release.agency_id if release else agencies.get(row.agency_code)
    named = _key(row.subject, "grant")
    own = named is not None and named in grants and grants[named] in (None, agency_id)
    grant_id = release.grant_id if release else named if own else None
    return Use(
        entry=row.id,
        at=row.recorded_at,
        kind=row.kind,
        outcome=row.outcome,
        account=account,
        agency_code=row.agency_code,
        place=place,
        grant_id=grant_id,
        agency_id=agency_id,
        opened=release is not None and release.evidence_id == row.id,
        rows=_count(after.get("rows")) if release else 0,
        matter=release.matter if release else "",
        reason=str(after.get("reason", "")) if row.kind == "release.refused" else "",
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _releases(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, AnyRow]:
    columns = (ReleaseRecord.grant_id, ReleaseRecord.agency_id, ReleaseRecord.evidence_id, ReleaseRecord.matter)
    rows = session.execute(select(ReleaseRecord.id, *columns).where(ReleaseRecord.id.in_(ids)))
    return {row.id: row for row in rows}


def _known_grants(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    """Whose grants they are: an agency that calls under the grant of another does not use it."""
    rows = session.execute(select(Grant.id, Grant.requester_id).where(Grant.id.in_(ids)))
    return {row.id: row.requester_id for row in rows}


def _agencies(session: Session, codes: Collection[str]) -> dict[str, uuid.UUID]:
    rows = session.execute(select(Agency.credit_code, Agency.id).where(Agency.credit_code.in_(codes)))
    return {row.credit_code: row.id for row in rows}


def _key(subject: str, noun: str) -> uuid.UUID | None:
    named, _, key = subject.partition("/")
    try:
        return uuid.UUID(key) if named == noun else None
    except ValueError:
        return None


def sample_of(session: Session, grant_id: uuid.UUID, agency_id: uuid.UUID, day: date) -> Sequence[AnyRow]:
    """The latest releases of a day under a grant to an agency, at most 1,000, the latest first."""
    since = start_of(day)
    columns = (ReleaseRecord.evidence_id, ReleaseRecord.matter, ReleaseRecord.mode, ReleaseRecord.rows)
    return session.execute(
        select(*columns, ReleaseRecord.authorised_at)
        .where(
            ReleaseRecord.grant_id == grant_id,
            ReleaseRecord.agency_id == agency_id,
            ReleaseRecord.authorised_at >= since,
            ReleaseRecord.authorised_at < since + timedelta(days=1),
        )
        .order_by(ReleaseRecord.authorised_at.desc())
        .limit(SAMPLE)
    ).all()


def missed_of(
    session: Session, grant_id: uuid.UUID, agency_id: uuid.UUID, since: date, until: date
) -> Sequence[AnyRow]:
    """Look-ups that found nothing, from one day to before another: of the latest 10,000 releases, the latest 3,000."""
    columns = (ReleaseRecord.evidence_id, ReleaseRecord.mode, ReleaseRecord.rows, ReleaseRecord.authorised_at)
    latest = (
        select(*columns, ReleaseRecord.state)
        .where(
            ReleaseRecord.grant_id == grant_id,
            ReleaseRecord.agency_id == agency_id,
            ReleaseRecord.authorised_at >= start_of(since),
            ReleaseRecord.authorised_at < start_of(until),
        )
        .order_by(ReleaseRecord.authorised_at.desc())
        .limit(MONTH_READ)
        .subquery()
    )
    found_nothing = (latest.c.rows == 0, latest.c.state == ReleaseState.COMPLETED, latest.c.mode == Mode.INTERFACE)
    rows = select(latest).where(*found_nothing).order_by(latest.c.authorised_at.desc())
    return session.execute(rows.limit(MONTH_MISSED)).all()


def looked_up(session: Session, sample: Sequence[AnyRow]) -> list[tuple[str, bool]]:
    """The key of each look-up of a sample, and whether it found rows; keys are opened here and kept nowhere."""
    calls = [row for row in sample if row.mode == Mode.INTERFACE]
    details = personal_details(session, [row.evidence_id for row in calls])
    subjects = [(details.get(row.evidence_id, {}).get("subjects") or {}, row.rows > 0) for row in calls]
    return [(" ".join(str(value) for value in found.values()), hit) for found, hit in subjects if found]


def start_of(day: date) -> datetime:
    """The beginning of a day in the city."""
    return datetime.combine(day, time(), CITY_ZONE)
