"""Meet conditions through the index: the newest entries first, a slice of steps at a time.

A slice costs the same whatever the values are: two short rows for a value and a run of steps. All steps of ten
million entries are four slices.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from adapters.prepared import Prepared
from audit.search_index.conditions import Arm, Condition
from audit.search_index.places import PLACE_SIZE, Place, packed, ranks_before, unpacked
from audit.search_index.terms import FREQUENT, RUN, STEP, Term, places_of, term

_NIL = uuid.UUID(int=0)
SLICES = (RUN * 2, RUN * 8, RUN * 32)
"""Steps of the first slices; the others are as long as the last of these."""
Bits = np.ndarray[Any, np.dtype[np.uint8]]
_STEPS = Prepared(
    """
    SELECT step, oldest, newest FROM evidence_step
    WHERE (%(since)s::timestamptz IS NULL OR newest >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR oldest < %(until)s)
        AND (%(before)s::timestamptz IS NULL OR oldest <= %(before)s)
    ORDER BY newest DESC, step DESC
    """
)
_POSTINGS = Prepared(
    """
    SELECT term, entries FROM evidence_posting
    WHERE term = ANY(%(terms)s::bigint[]) AND run = ANY(%(runs)s::bigint[])
    """,
    binary=True,
)
_PLACES = Prepared(
    f"""
    SELECT substr(places, 1 + {PLACE_SIZE} * given.rank, {PLACE_SIZE}) AS place
    FROM unnest(%(steps)s::bigint[], %(ranks)s::integer[]) AS given (step, rank)
    JOIN evidence_step ON evidence_step.step = given.step
    """,  # noqa: S608  # a number of our own
    binary=True,
)
_WHOLE = Prepared("SELECT places FROM evidence_step WHERE step = %(step)s", binary=True)


@dataclass(frozen=True)
class Bounds:
    """Between which moments entries are looked for, and before which place of an earlier page."""

    since: datetime | None = None
    until: datetime | None = None
    before: Place | None = None


def newest(session: Session, conditions: Sequence[Condition], bounds: Bounds, most: int) -> list[Place]:
    """Places of the newest indexed entries that meet all conditions, the newest first.

    Args:
        most: how many at most.
    """
    before = bounds.before[0] if bounds.before else None
    steps = _STEPS.rows(session, since=bounds.since, until=bounds.until, before=before)
    found: list[bytes] = []
    pending: list[tuple[int, int]] = []
    for row, ranks in _met(session, conditions, bounds, steps, most):
        if len(found) + len(pending) >= most:
            found, pending = _first(session, found, pending, most), []
            if row.newest < unpacked(found[-1])[0]:
                break
        pending += [(row.step, rank) for rank in ranks]
    return [unpacked(place) for place in _first(session, found, pending, most)]


def _first(session: Session, found: list[bytes], pending: list[tuple[int, int]], most: int) -> list[bytes]:
    """The newest of the places found and of those that are only known by their ranks."""
    if not pending:
        return found
    steps, ranks = zip(*pending, strict=True)
    more = [bytes(row.place) for row in _PLACES.rows(session, steps=list(steps), ranks=list(ranks))]
    return sorted(found + more, reverse=True)[:most]


def _met(
    session: Session, conditions: Sequence[Condition], bounds: Bounds, steps: Sequence[Any], most: int
) -> Iterator[tuple[Any, list[int]]]:
    """Steps that have entries which meet all conditions, the newest step first, with the highest ranks in it."""
    done, sizes = 0, list(SLICES)
    while done < len(steps):
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        here = steps[done : done + size]
        bits = _bits(session, conditions, [row.step for row in here])
        for place in np.flatnonzero(bits.any(axis=1)).tolist():
            ranks = np.flatnonzero(np.unpackbits(bits[place]))
            ranks = _within(session, here[place], ranks, bounds)[-most:]
            if len(ranks):
                yield here[place], ranks.tolist()
        done += size


def _within(session: Session, row: Any, ranks: Any, bounds: Bounds) -> Any:
    """The ranks of a step that lie between the bounds."""
    low = packed((bounds.since, _NIL))[:8] if bounds.since and row.oldest < bounds.since else b""
    tops = [packed((bounds.until, _NIL))[:8]] if bounds.until and row.newest >= bounds.until else []
    tops += [packed(bounds.before)] if bounds.before and row.newest >= bounds.before[0] else []
    if not low and not tops:
        return ranks
    places = bytes(_WHOLE.rows(session, step=row.step)[0].places)
    end = min((ranks_before(places, top) for top in tops), default=STEP)
    return ranks[(ranks >= ranks_before(places, low)) & (ranks < end)]


def _bits(session: Session, conditions: Sequence[Condition], steps: Sequence[int]) -> Bits:
    """For each step the bits of its entries that meet all conditions; each narrows the steps down for the next."""
    met = _Sets(session, conditions[0], steps).met()
    for condition in conditions[1:]:
        left = np.flatnonzero(met.any(axis=1))
        if not len(left):
            break
        met[left] &= _Sets(session, condition, [steps[place] for place in left.tolist()]).met()
    return met


class _Sets:
    """The entries of some steps that have the values of a condition, read at once."""

    def __init__(self, session: Session, condition: Condition, steps: Sequence[int]) -> None:
        self._condition = condition
        self._steps = len(steps)
        self._first = min(steps)
        self._at = np.full(max(steps) - self._first + 1, -1, np.int64)
        self._at[np.array(steps) - self._first] = np.arange(len(steps))
        known = {each for arm in condition.arms for each in _terms(arm)}
        asked = sorted({each.own for each in known} | {each.bucket for each in known})
        rows: dict[int, list[bytes]] = defaultdict(list)
        for row in _POSTINGS.rows(session, terms=asked, runs=sorted({step // RUN for step in steps})):
            rows[row.term].append(bytes(row.entries))
        self._records = rows

    def met(self) -> Bits:
        """Entries for which one of the arms holds."""
        met = self._none()
        for arm in self._condition.arms:
            having = self._having([term(arm.field, str(value)) for value in arm.values])
            for column in arm.without:
                having &= self._having([term(column, "")])
            met |= having
        return met

    def _none(self) -> Bits:
        return np.zeros((self._steps, STEP // 8), np.uint8)

    def _having(self, terms: Sequence[Term]) -> Bits:
        """Entries that have one of some values of a field."""
        having = self._none()
        for each in terms:
            if each.own in self._records:
                records = np.frombuffer(b"".join(self._records[each.own]), FREQUENT)
                at = self._place(records["step"].astype(np.int64))
                having[at[at >= 0]] |= records["bits"][at >= 0]
        mixed = (b"".join(self._records.get(bucket, ())) for bucket in {each.bucket for each in terms})
        places = places_of(mixed, [each.mark for each in terms])
        at = self._place(places // STEP)
        ranks, at = places[at >= 0] % STEP, at[at >= 0]
        np.bitwise_or.at(having, (at, ranks // 8), np.right_shift(0x80, ranks % 8).astype(np.uint8))
        return having

    def _place(self, steps: Any) -> Any:
        """Where steps stand among those read; -1 for others."""
        inside = (steps >= self._first) & (steps < self._first + len(self._at))
        return np.where(inside, self._at[np.where(inside, steps - self._first, 0)], -1)


def _terms(arm: Arm) -> Iterator[Term]:
    for value in arm.values:
        yield term(arm.field, str(value))
    for column in arm.without:
        yield term(column, "")
