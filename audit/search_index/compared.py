"""The searches' index beside the log: whether searches find every entry that the index has, and only those (R51)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.prepared import Prepared
from audit.reconcile import Discrepancy, register
from audit.search_index.build import INDEX_LOCK, READ
from audit.search_index.terms import FIELDS, RUN, STEP, postings
from audit.verify import SNAPSHOTS

_REPAIR = "As the database's owner: TRUNCATE evidence_step, evidence_posting; the worker then indexes anew."
_STEPS = Prepared(
    f"""
    SELECT step, end_index, oldest, newest, places FROM evidence_step
    WHERE step >= %(first)s ORDER BY step LIMIT {RUN}
    """,  # noqa: S608  # a number of our own
    binary=True,
)
_ROWS = Prepared(
    """
    SELECT term, count(*) AS parts, string_agg(entries, '' ORDER BY part) AS entries FROM evidence_posting
    WHERE term = ANY(%(terms)s::bigint[]) AND run = %(run)s GROUP BY term
    """,
    binary=True,
)
_ALL = text("SELECT count(*), coalesce(sum(octet_length(entries)), 0)::bigint FROM evidence_posting")


def register_reconcilers() -> None:
    """Have every verification compare the searches' index with the log."""
    register("search-index", index_has_entries)


def index_has_entries(session: Session) -> Iterator[Discrepancy]:
    """Steps that are not the numbered entries they stand for, rows that are not of their entries, rows of none."""
    if session.scalar(text("SHOW transaction_isolation")) not in SNAPSHOTS:
        session.execute(select(func.pg_advisory_xact_lock_shared(INDEX_LOCK)))
    check = _Check(session)
    yield from check.runs()
    if check.steps_hold and (there := tuple(session.execute(_ALL).one())) != (check.rows, check.size):
        yield Discrepancy(
            "evidence_posting",
            f"The searches' index has rows of no entry. {_REPAIR}",
            f"{check.rows} rows of {check.size} bytes",
            f"{there[0]} rows of {there[1]} bytes",
        )


class _Check:
    """The index made again from the entries, a run of steps at a time, and what there is of it.

    Attributes:
        steps_hold: whether all steps are those of the log; what follows one that is not cannot be compared.
        rows, size: of what was found, and is in place.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._first = 0
        self.steps_hold = True
        self.rows = self.size = 0

    def runs(self) -> Iterator[Discrepancy]:
        """What is wrong, run by run, up to the first step that is not the log's."""
        run = 0
        while steps := _STEPS.rows(self._session, first=run * RUN):
            first, made = self._first, self._made(run, steps)
            if made is None:
                self.steps_hold = False
                sentence = (
                    f"Searches miss entries from number {self._first} on: a step of their index is not the log's."
                )
                yield Discrepancy(f"evidence_step/{run * RUN}", f"{sentence} {_REPAIR}")
                return
            if wrong := self._wrong(run, made):
                sentence = f"Searches miss or mistake entries from number {first} to {self._first - 1}: rows are wrong."
                yield Discrepancy(f"evidence_posting/{run}", f"{sentence} {_REPAIR}", found=f"{wrong} rows")
            run += 1

    def _made(self, run: int, steps: Sequence[Any]) -> dict[int, bytes] | None:
        """The records by term, as the entries give them; None where a step is not what the entries give."""
        made: dict[int, list[bytes]] = defaultdict(list)
        for step, row in enumerate(steps, start=run * RUN):
            read = READ.rows(self._session, first=self._first, end=row.end_index)[0]
            if (row.step, STEP, *_stated(row)) != (step, read.entries, *_stated(read)):
                return None
            for term, records in postings(step, {field: getattr(read, field) for field in FIELDS}).items():
                made[term].append(records)
            self._first = row.end_index
        return {term: b"".join(records) for term, records in made.items()}

    def _wrong(self, run: int, made: dict[int, bytes]) -> int:
        """How many terms have other records in a run than those made."""
        found = {row.term: row for row in _ROWS.rows(self._session, terms=list(made), run=run)}
        self.rows += sum(row.parts for row in found.values())
        self.size += sum(len(row.entries) for row in found.values())
        return sum(term not in found or bytes(found[term].entries) != records for term, records in made.items())


def _stated(row: Any) -> tuple[object, ...]:
    return row.end_index, row.oldest, row.newest, bytes(row.places or b"")
