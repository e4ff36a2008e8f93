"""Find entries of evidence by any conditions together, in bounded time however many entries there are (R51, R120).

Conditions are met by the searches' index (``audit.search_index``), which knows for each value which entries have it;
the newest entries, which it does not know yet, are looked through.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, select, text, true, tuple_
from sqlalchemy.orm import Session, defer

from adapters.errors import Transient
from adapters.paging import LARGEST_PAGE, USUAL_PAGE, Page, decode_cursor, encode_cursor
from audit.models import Evidence, EvidenceQueue, LogLeaf
from audit.search_index.conditions import Arm, Condition, equal
from audit.search_index.models import EvidenceStep
from audit.search_index.places import Place
from audit.search_index.read import Bounds, newest
from audit.search_index.terms import STEP

MOST_BEHIND = 16 * STEP
"""Entries that a search looks through where they are not yet indexed or not yet numbered."""


@dataclass(frozen=True)
class About:
    """How entries speak of one resource or grant.

    Attributes:
        names: what ``Evidence.resource_code`` holds for it, or its ``Evidence.grant_number``.
        subjects: subjects of entries that are about it and do not name it so.
        matters: cases all of whose steps are about it.
        cut_off: whether there are older subjects or matters besides, whose entries are not found by them.
    """

    names: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    cut_off: bool = False


@dataclass(frozen=True)
class Search:
    """What the auditor looks for; empty fields do not restrict.

    Attributes:
        kind: a kind, or the beginning of one that ends with a dot (``application.``).
        outcome: ``DONE``, ``REFUSED`` or ``FAILED``.
        agency_code: credit code of the agency acted for.
        person_id: who acted.
        subject: ``noun/identifier``.
        matter: the case.
        since: from this moment on.
        until: before this moment.
        resource: the resource that entries are about.
        grant: the grant that they are about.
    """

    kind: str = ""
    outcome: str = ""
    agency_code: str = ""
    person_id: uuid.UUID | None = None
    subject: str = ""
    matter: str = ""
    since: datetime | None = None
    until: datetime | None = None
    resource: About | None = None
    grant: About | None = None


_COLUMNS = Evidence.__table__.c
_READ = [column for column in _COLUMNS if column.name != "leaf_hash"]
_NEWEST_FIRST = (_COLUMNS.recorded_at.desc(), _COLUMNS.id.desc())


def search(session: Session, wanted: Search, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page[Evidence]:
    """Entries that meet all conditions, the newest first; texts are not loaded.

    Args:
        cursor: ``next_cursor`` of the page before.

    Raises:
        InvalidInput: the cursor belongs to no list.
        Transient: very many entries are not indexed yet, which takes a minute for a million, or not even numbered.
    """
    limit = min(max(limit, 1), LARGEST_PAGE)
    conditions, bounds = _conditions(session, wanted), Bounds(wanted.since, wanted.until, _place(cursor))
    found = _met(session, conditions, bounds, limit + 1) if conditions else _latest(session, bounds, limit + 1)
    entries = _loaded(session, found[:limit], conditions)
    return Page(entries, encode_cursor(found[limit - 1]) if len(found) > limit else None)


def _place(cursor: str | None) -> Place | None:
    if not cursor:
        return None
    moment, identity = decode_cursor(cursor, [datetime, uuid.UUID])
    return moment, identity


def _latest(session: Session, bounds: Bounds, most: int) -> list[Place]:
    """Places of the newest entries, whatever they are."""
    entries = select(*_READ).where(*_between(bounds)).order_by(*_NEWEST_FIRST).limit(most)
    return _places(session, entries.cte("latest").prefix_with("MATERIALIZED"), (), most)


def _met(session: Session, conditions: Sequence[Condition], bounds: Bounds, most: int) -> list[Place]:
    """Places of the newest entries that meet the conditions, by the index and among those that it does not know.

    What is not indexed is read first: an entry may become indexed meanwhile, and is found twice then and not missed.
    """
    fresh = _not_indexed(session).cte("fresh").prefix_with("MATERIALIZED")
    entry = select(*_READ).where(_COLUMNS.id == fresh.c.evidence_id, *_between(bounds)).offset(0).lateral("entry")
    looked = select(*entry.c).select_from(fresh).join(entry, true()).cte("looked").prefix_with("MATERIALIZED")
    among = _places(session, looked, conditions, most)
    return sorted({*among, *newest(session, conditions, bounds, most)}, reverse=True)[:most]


def _not_indexed(session: Session) -> CompoundSelect[uuid.UUID]:
    """Ids of the entries that the index does not know.

    Raises:
        Transient: there are too many to look through.
    """
    last = select(EvidenceStep.end_index).order_by(EvidenceStep.step.desc()).limit(1)
    behind = select(LogLeaf.evidence_id).where(LogLeaf.leaf_index >= (session.scalar(last) or 0))
    queued = select(EvidenceQueue.evidence_id)
    numbered, waiting = session.execute(select(_up_to_most(behind), _up_to_most(queued))).one()
    if waiting > MOST_BEHIND:
        raise Transient(
            "evidence.not_numbered",
            "Very many entries of evidence wait to be numbered, and searches do not know them yet. Run `shuniu status`:"
            " it says whether the evidence log stands still.",
        )
    if numbered + waiting > MOST_BEHIND:
        raise Transient(
            "evidence.not_indexed",
            "The evidence is being indexed for searches. Try again in some minutes.",
        )
    return behind.union(queued)


def _up_to_most(entries: Select[uuid.UUID]) -> ColumnElement[int]:
    """How many there are; counting stops where there are too many."""
    return select(func.count()).select_from(entries.limit(MOST_BEHIND + 1).subquery()).scalar_subquery()


def _places(session: Session, entries: Any, conditions: Sequence[Condition], most: int) -> list[Place]:
    """Places of the newest of some entries that meet the conditions."""
    of = entries.c
    kept = select(of.recorded_at, of.id).where(*(each.holds(of) for each in conditions))
    rows = session.execute(kept.order_by(of.recorded_at.desc(), of.id.desc()).limit(most))
    return [(row.recorded_at, row.id) for row in rows]


def _loaded(session: Session, places: Sequence[Place], conditions: Sequence[Condition]) -> tuple[Evidence, ...]:
    """Entries in the order of their places; what does not meet the conditions, whatever the index says, is left out."""
    if not places:
        return ()
    between = Evidence.recorded_at.between(places[-1][0], places[0][0])
    met = (each.holds(_COLUMNS) for each in conditions)
    statement = select(Evidence).where(Evidence.id.in_([place[1] for place in places]), between, *met)
    by_id = {each.id: each for each in session.scalars(statement.options(defer(Evidence.body)))}
    return tuple(by_id[place[1]] for place in places if place[1] in by_id)


def _between(bounds: Bounds) -> list[ColumnElement[bool]]:
    moment = _COLUMNS.recorded_at
    tests: list[ColumnElement[bool]] = []
    if bounds.since:
        tests.append(moment >= bounds.since)
    if bounds.until:
        tests.append(moment < bounds.until)
    if bounds.before:
        tests.append(tuple_(moment, _COLUMNS.id) < tuple_(*bounds.before))
    return tests


def _conditions(session: Session, wanted: Search) -> list[Condition]:
    return [
        *equal("subject", wanted.subject),
        *equal("matter", wanted.matter),
        *equal("person_id", wanted.person_id),
        *equal("outcome", wanted.outcome),
        *equal("agency_code", wanted.agency_code),
        *([_of_kind(session, wanted.kind)] if wanted.kind else []),
        *([_about("grant_number", wanted.grant)] if wanted.grant else []),
        *([_about("resource_code", wanted.resource)] if wanted.resource else []),
    ]


def _of_kind(session: Session, kind: str) -> Condition:
    """Entries of a kind, or of all kinds that begin so."""
    kinds = [each for each in _kinds(session) if each.startswith(kind)] if kind.endswith(".") else [kind]
    return Condition((Arm("kind", tuple(kinds)),))


def _kinds(session: Session) -> list[str]:
    """The kinds that there are: one look into the index for each."""
    return list(session.scalars(_KINDS))


def _about(column: str, about: About) -> Condition:
    """Entries that name it, those of its subjects, and the steps of its cases; the latter two where none is named."""

    def arms() -> Iterator[Arm]:
        yield Arm(column, about.names)
        if about.subjects:
            yield Arm("subject", about.subjects, (column,))
        if about.matters:
            yield Arm("matter", about.matters, tuple({"resource_code", column}))

    return Condition(tuple(arms()))


_KINDS = text(
    """
    WITH RECURSIVE known (kind) AS (
        (SELECT kind FROM evidence ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT (SELECT kind FROM evidence WHERE evidence.kind > known.kind ORDER BY kind LIMIT 1)
        FROM known WHERE known.kind IS NOT NULL
    )
    SELECT kind FROM known WHERE kind IS NOT NULL
    """
)
