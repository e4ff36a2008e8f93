"""Index entries for searches once they are numbered: by the sequencer, behind its batches and not with a commit."""

import itertools

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.prepared import Prepared
from audit.search_index.models import EvidenceStep
from audit.search_index.terms import COLUMNS, FIELDS, RUN, STEP, STEP_OF_CASE, postings

INDEX_LOCK = 0x5348_554E_4958_4454
"""Advisory lock: held by the one who indexes."""
_STATED = {name: f"coalesce({name}::text, '')" for name in COLUMNS} | {
    STEP_OF_CASE: "CASE WHEN resource_code = '' THEN matter ELSE '' END"
}
_VALUES = ", ".join(f"array_agg({value}) AS {field}" for field, value in _STATED.items())
_NEXT = Prepared(
    f"""
    SELECT count(*) AS entries, max(leaf_index) + 1 AS end_index, min(recorded_at) AS oldest,
        max(recorded_at) AS newest, {_VALUES},
        string_agg(int8send((extract(epoch FROM recorded_at) * 1000000)::bigint) || uuid_send(id), '') AS places
    FROM (
        SELECT leaf.leaf_index, entry.* FROM (
            SELECT leaf_index, evidence_id FROM log_leaf WHERE leaf_index >= %(first)s ORDER BY leaf_index LIMIT {STEP}
        ) AS leaf
        CROSS JOIN LATERAL (SELECT * FROM evidence WHERE evidence.id = leaf.evidence_id OFFSET 0) AS entry
        ORDER BY entry.recorded_at, entry.id
    ) AS ranked
    """,  # noqa: S608  # names of our own
    binary=True,
)
_STORE = Prepared(
    """
    INSERT INTO evidence_posting (term, run, part, entries)
    SELECT term, %(run)s::bigint, %(part)s::smallint, substr(%(data)s::bytea, begins + 1, ends - begins)
    FROM unnest(%(terms)s::bigint[], %(begin)s::integer[], %(end)s::integer[]) AS made (term, begins, ends)
    """
)
_JOIN = text(
    f"""
    WITH parts AS (DELETE FROM evidence_posting WHERE run = :run AND part < 64 RETURNING term, part, entries)
    INSERT INTO evidence_posting (term, run, part, entries)
    SELECT term, :run, {RUN}, string_agg(entries, CAST('' AS bytea) ORDER BY part) FROM parts GROUP BY term
    """  # noqa: S608  # a number of our own
)


def index_next(session: Session) -> bool:
    """Index the next step, if so many entries are numbered; the caller commits.

    Args:
        session: of the sequencer role, in a transaction of its own.

    Returns:
        Whether there was one.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(INDEX_LOCK))):
        return False
    last = session.execute(
        select(EvidenceStep.step, EvidenceStep.end_index).order_by(EvidenceStep.step.desc()).limit(1)
    ).one_or_none()
    return _indexed(session, *((last.step + 1, last.end_index) if last else (0, 0)))


def _indexed(session: Session, step: int, first: int) -> bool:
    """Index the entries of one step, which are numbered from the first on."""
    row = _NEXT.rows(session, first=first)[0]
    if row.entries < STEP:
        return False
    end, oldest, newest, places = row.end_index, row.oldest, row.newest, bytes(row.places)
    session.add(EvidenceStep(step=step, end_index=end, oldest=oldest, newest=newest, places=places))
    run, part = divmod(step, RUN)
    made = postings(step, {field: getattr(row, field) for field in FIELDS})
    ends = list(itertools.accumulate(map(len, made.values()), initial=0))
    data = b"".join(made.values())
    _STORE.run(session, run=run, part=part, terms=list(made), begin=ends[:-1], end=ends[1:], data=data)
    if part == RUN - 1:
        session.execute(_JOIN, {"run": run})
    return True
