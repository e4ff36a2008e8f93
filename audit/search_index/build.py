"""Index entries for searches once they are numbered: beside the sequencer, and not with a commit."""

import itertools

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.prepared import Prepared
from audit.models import LogLeaf
from audit.search_index.models import EvidenceStep
from audit.search_index.terms import COLUMNS, FIELDS, RUN, STEP, STEP_OF_CASE, postings

INDEX_LOCK = 0x5348_554E_4958_4454
"""Advisory lock: held by the one who indexes, shared by who needs the index to stand still."""
_NO_END = 2**63 - 1
_STATED = {name: f"coalesce({name}::text, '')" for name in COLUMNS} | {
    STEP_OF_CASE: "CASE WHEN resource_code = '' THEN matter ELSE '' END"
}
_VALUES = ", ".join(f"array_agg({value}) AS {field}" for field, value in _STATED.items())
_MOMENT = "least(greatest(recorded_at, '1970-01-01 00:00+00'::timestamptz), '9999-12-31 00:00+00'::timestamptz)"
"""When an entry was recorded; a falsified moment that is none stops no index."""
READ = Prepared(
    f"""
    SELECT count(*) AS entries, max(leaf_index) + 1 AS end_index, min(moment) AS oldest, max(moment) AS newest,
        {_VALUES},
        string_agg(int8send((extract(epoch FROM moment) * 1000000)::bigint) || uuid_send(id), '') AS places
    FROM (
        SELECT *, {_MOMENT} AS moment FROM (
            SELECT leaf_index, entry.* FROM log_leaf
            CROSS JOIN LATERAL (SELECT * FROM evidence WHERE evidence.id = log_leaf.evidence_id OFFSET 0) AS entry
            WHERE leaf_index >= %(first)s AND leaf_index < %(end)s ORDER BY leaf_index LIMIT {STEP}
        ) AS taken
        ORDER BY moment, id
    ) AS ranked
    """,  # noqa: S608  # names of our own
    binary=True,
)
"""What is indexed of the entries of one step, by their ranks. A number whose entry is gone is none of them."""
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
    session.execute(text("SET LOCAL lock_timeout = '1s'"))
    if not session.scalar(select(func.pg_try_advisory_xact_lock(INDEX_LOCK))):
        return False
    last = session.execute(
        select(EvidenceStep.step, EvidenceStep.end_index).order_by(EvidenceStep.step.desc()).limit(1)
    ).one_or_none()
    step, first = (last.step + 1, last.end_index) if last else (0, 0)
    following = select(LogLeaf.leaf_index).where(LogLeaf.leaf_index >= first).order_by(LogLeaf.leaf_index)
    enough = session.scalar(following.offset(STEP - 1).limit(1)) is not None
    return enough and _indexed(session, step, first)


def _indexed(session: Session, step: int, first: int) -> bool:
    """Index the entries of one step, which are numbered from the first on."""
    row = READ.rows(session, first=first, end=_NO_END)[0]
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
