"""Find entries of evidence by any conditions together, in bounded time however many entries there are (R51, R120).

One condition leads: its index is walked from the newest entry on, and the others are tested on the way. The one with
the fewest entries leads, so that a rare condition settles the search at once. Where all are frequent and hardly an
entry meets them together, a walk may end before it has filled a page: it then says how far back it has looked, and its
cursor goes on from there.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    String,
    Subquery,
    any_,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, defer
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from adapters.paging import LARGEST_PAGE, USUAL_PAGE, Page, decode_cursor, encode_cursor
from audit.models import Evidence

FIRST_STRIDE = 300
STRIDE = 1_000
"""Entries that the first step of a walk looks at, and the others; conditions are counted up to one of these."""
PATIENCE = 0.08
"""Seconds after which a walk takes no further step."""
Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]
Test = Callable[[Columns], ColumnElement[bool]]
Place = tuple[datetime, uuid.UUID]


@dataclass(frozen=True)
class About:
    """How entries speak of one resource or grant.

    Attributes:
        names: what ``Evidence.resource_code`` holds for it, or its ``Evidence.grant_number``.
        subjects: subjects of entries that are about it and do not name it so.
        matters: cases all of whose steps are about it.
    """

    names: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Found(Page[Evidence]):
    """A page of entries, the newest first.

    Attributes:
        reached: when the walk ended before the page was full, how far back it has looked; its cursor goes on.
    """

    reached: datetime | None = None


@dataclass(frozen=True)
class _Arm:
    """One test of a condition, with an index of its own.

    Attributes:
        test: what an entry must meet.
        column, values: where there are values: and this column is one of these. Each is looked up by itself, since for
            all at once PostgreSQL would rather read every entry by time.
    """

    test: Test
    column: str = ""
    values: tuple[str, ...] = ()

    def holds(self, of: Columns) -> ColumnElement[bool]:
        """The test as SQL."""
        return self.test(of) & _any(of[self.column], self.values) if self.values else self.test(of)

    def walked(self, columns: Sequence[ColumnElement[Any]], bounds: list[ColumnElement[bool]], stride: int) -> Any:
        """The newest entries that pass."""
        entries = select(*columns).where(self.test(_COLUMNS), *bounds)
        newest = (_COLUMNS.recorded_at.desc(), _COLUMNS.id.desc())
        if not self.values:
            return entries.order_by(*newest).limit(stride)
        value = func.unnest(literal(list(self.values), ARRAY(String))).table_valued("value").render_derived()
        found = entries.where(_COLUMNS[self.column] == value.c.value).order_by(*newest).limit(stride).lateral("found")
        together = select(*found.c).select_from(value).join(found, true())
        return together.order_by(found.c.recorded_at.desc(), found.c.id.desc()).limit(stride)


@dataclass(frozen=True)
class _Condition:
    """One condition: the tests of which an entry must pass one, each with an index of its own.

    Attributes:
        leads: whether its indexes can be walked by time.
        counted: the first so many tests are counted to find the leader; None for all.
    """

    arms: tuple[_Arm, ...]
    leads: bool = True
    counted: int | None = None

    def holds(self, of: Columns) -> ColumnElement[bool]:
        return or_(*(arm.holds(of) for arm in self.arms))


@dataclass(frozen=True)
class _Step:
    found: list[Place]
    end: Place | None


_EVERYTHING = _Condition((_Arm(lambda _: true()),))
_COLUMNS = Evidence.__table__.c


def search(session: Session, wanted: Search, cursor: str | None = None, limit: int = USUAL_PAGE) -> Found:
    """Entries that meet all conditions, the newest first; texts are not loaded.

    Args:
        cursor: ``next_cursor`` of the page before; a page may be short, even empty, and have one.

    Raises:
        InvalidInput: the cursor belongs to no list.
    """
    limit, started = min(max(limit, 1), LARGEST_PAGE), time.monotonic()
    place = _place(cursor)
    leader, others = _led(session, _conditions(session, wanted), _bounds(wanted, place))
    found: list[Place] = []
    stride = FIRST_STRIDE if others else limit + 1
    while True:
        step = _step(session, leader, others, _bounds(wanted, place), (stride, limit + 1 - len(found)))
        found, place, stride = found + step.found, step.end, STRIDE
        if place is None or len(found) > limit or time.monotonic() - started > PATIENCE:
            break
    entries = _loaded(session, found[:limit])
    if len(found) > limit:
        return Found(entries, encode_cursor(found[limit - 1]))
    return Found(entries, encode_cursor(place), place[0]) if place else Found(entries)


def _place(cursor: str | None) -> Place | None:
    if not cursor:
        return None
    moment, identity = decode_cursor(cursor, [datetime, uuid.UUID])
    return moment, identity


def _led(
    session: Session, conditions: Sequence[_Condition], bounds: list[ColumnElement[bool]]
) -> tuple[_Condition, list[_Condition]]:
    """The condition with the fewest entries within the bounds, counted to one stride; and the others."""
    leading = [each for each in conditions if each.leads]
    if not leading:
        return _EVERYTHING, list(conditions)
    if len(conditions) == 1:
        return leading[0], []
    counts = [_counted(each, bounds) for each in leading]
    row = session.execute(select(*counts)).one()
    fewest = min(zip(row, range(len(leading)), strict=True))[1]
    return leading[fewest], [each for each in conditions if each is not leading[fewest]]


def _counted(condition: _Condition, bounds: list[ColumnElement[bool]]) -> ColumnElement[int]:
    """Entries of a condition up to one stride for each test, where an index alone tells."""
    total: ColumnElement[int] = literal(0)
    for arm in condition.arms[: condition.counted]:
        some = select(literal(1)).where(arm.holds(_COLUMNS), *bounds).limit(STRIDE + 1).subquery()
        total = total + select(func.count()).select_from(some).scalar_subquery()
    return total


def _step(
    session: Session,
    leader: _Condition,
    others: Sequence[_Condition],
    bounds: list[ColumnElement[bool]],
    most: tuple[int, int],
) -> _Step:
    """Walk one stride of the leader's entries and keep those that meet the other conditions.

    Args:
        most: entries to walk, and to keep.
    """
    stride, keep = most
    walked = _walk(leader, bounds, stride).cte("walked").prefix_with("MATERIALIZED", dialect="postgresql")
    newest = (walked.c.recorded_at.desc(), walked.c.id.desc())
    kept = (
        select(walked.c.recorded_at, walked.c.id, literal(0).label("place"))
        .where(*(each.holds(walked.c) for each in others))
        .order_by(*newest)
        .limit(keep)
    )
    last = select(walked.c.recorded_at, walked.c.id, literal(1)).order_by(*newest).offset(stride - 1).limit(1)
    rows = session.execute(union_all(kept.subquery().select(), last.subquery().select())).all()
    ends: list[Place] = [(row[0], row[1]) for row in rows if row[2] == 1]
    found: list[Place] = sorted(((row[0], row[1]) for row in rows if row[2] == 0), reverse=True)
    return _Step(found, ends[0] if ends else None)


def _walk(leader: _Condition, bounds: list[ColumnElement[bool]], stride: int) -> Any:
    """The newest entries that one of the leader's tests admits; no entry passes two of them."""
    columns = [column for column in _COLUMNS if column.name not in {"body", "leaf_hash"}]
    arms = [arm.walked(columns, bounds, stride) for arm in leader.arms]
    if len(arms) == 1:
        return arms[0]
    together: Subquery = union_all(*(arm.subquery().select() for arm in arms)).subquery()
    return select(together).order_by(together.c.recorded_at.desc(), together.c.id.desc()).limit(stride)


def _loaded(session: Session, places: Sequence[Place]) -> tuple[Evidence, ...]:
    """Entries in the order of their places."""
    if not places:
        return ()
    between = Evidence.recorded_at.between(places[-1][0], places[0][0])
    statement = select(Evidence).where(Evidence.id.in_([place[1] for place in places]), between)
    by_id = {each.id: each for each in session.scalars(statement.options(defer(Evidence.body)))}
    return tuple(by_id[place[1]] for place in places)


def _bounds(wanted: Search, place: Place | None) -> list[ColumnElement[bool]]:
    moment = _COLUMNS.recorded_at
    bounds: list[ColumnElement[bool]] = []
    if wanted.since:
        bounds.append(moment >= wanted.since)
    if wanted.until:
        bounds.append(moment < wanted.until)
    if place:
        bounds.append(tuple_(moment, _COLUMNS.id) < tuple_(*place))
    return bounds


def _conditions(session: Session, wanted: Search) -> list[_Condition]:
    """The conditions, those first that usually have the fewest entries."""
    return [
        *_equal("subject", wanted.subject),
        *_equal("matter", wanted.matter),
        *([_of_grant(wanted.grant)] if wanted.grant else []),
        *_equal("person_id", wanted.person_id),
        *([_of_resource(wanted.resource)] if wanted.resource else []),
        *(
            [_Condition((_Arm(lambda of: of.outcome == wanted.outcome),), wanted.outcome != "DONE")]
            if wanted.outcome
            else []
        ),
        *([_of_kind(session, wanted.kind)] if wanted.kind else []),
        *_equal("agency_code", wanted.agency_code),
    ]


def _equal(column: str, value: object) -> list[_Condition]:
    return [_Condition((_Arm(lambda of: of[column] == value),))] if value else []


def _of_outcome(outcome: str) -> list[_Condition]:
    """What was done is nearly everything, and has no index."""
    return [replace(each, leads=outcome != "DONE") for each in _equal("outcome", outcome)]


def _of_kind(session: Session, kind: str) -> _Condition:
    """Entries of a kind, or of all kinds that begin so."""
    kinds = [each for each in _kinds(session) if each.startswith(kind)] if kind.endswith(".") else [kind]
    return _one_of("kind", kinds)


def _kinds(session: Session) -> list[str]:
    """The kinds that there are: one look into the index for each."""
    return list(session.scalars(_KINDS))


def _of_grant(grant: About) -> _Condition:
    named = _one_of("grant_number", grant.names)
    return _Condition((*named.arms, *_others("grant_number", grant)), counted=1)


def _of_resource(resource: About) -> _Condition:
    named = _one_of("resource_code", resource.names)
    return _Condition((*named.arms, *_others("resource_code", resource)), counted=1)


def _others(column: str, about: About) -> Iterable[_Arm]:
    """Tests for entries that speak of it by another name; none is about it by two of the tests."""

    def step(of: Columns) -> ColumnElement[bool]:
        steps = (of.matter != "") & (of.resource_code == "")
        return steps & (of[column] == "") & ~_any(of.subject, about.subjects)

    if about.subjects:
        yield _Arm(lambda of: of[column] == "", "subject", about.subjects)
    if about.matters:
        yield _Arm(step, "matter", about.matters)


def _any(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column has one of the values, which are one parameter however many they are."""
    return column == any_(literal(list(values), ARRAY(String)))


def _one_of(column: str, values: Sequence[str]) -> _Condition:
    """One test for each value, so that the index gives each in the order of time."""
    if not values:
        return _Condition((_Arm(lambda of: of.id.is_(None)),))

    def arm(value: str) -> _Arm:
        return _Arm(lambda of: (of[column] == value) & (of[column] != ""))

    return _Condition(tuple(arm(value) for value in values))


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
