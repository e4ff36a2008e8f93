"""Verification of what lies beside the walk over the log: numbers in no tree, rows that belong to no entry, keys that
were put back, checkpoints that are gone.

Each is one query whose cost is that of what is wrong, not of the log; at most 1,000 findings of a kind are named.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from audit.report import Finding, Report
from audit.verify_entry import DESTROYED, entry_name

_MOST = 1_000


@dataclass(frozen=True)
class _Stray:
    """A kind of thing that is wrong: its code, what findings say of an entry, and the query that finds them.

    The query gives the entry's number (None where it has none) and its id, what should be and what is, as text.
    """

    code: str
    what: str
    query: str


_NUMBERS = _Stray(
    "number_outside",
    "its number is below 0 or none, so it is in no tree",
    "SELECT leaf_index, evidence_id, '', CAST(leaf_index AS text) FROM log_leaf"
    " WHERE leaf_index < 0 OR leaf_index IS NULL ORDER BY 1",
)
_QUEUED = _Stray(
    "queued_misdated",
    "it waits since another moment than that of its writing",
    "SELECT CAST(NULL AS bigint), evidence.id, CAST(recorded_at AS text), CAST(queued_at AS text)"
    " FROM evidence_queue JOIN evidence ON evidence.id = evidence_queue.evidence_id"
    " WHERE queued_at IS NULL"
    " OR queued_at NOT BETWEEN recorded_at - interval '1 minute' AND recorded_at + interval '1 minute' ORDER BY 2",
)
_NAMELESS = _Stray(
    "queued_without_entry",
    "a place in the queue is that of no entry",
    "SELECT CAST(NULL AS bigint), evidence_id, 'an entry', CAST(queued_at AS text) FROM evidence_queue"
    " WHERE evidence_id IS NULL OR evidence_id = '00000000-0000-0000-0000-000000000000'",
)
_PUT_BACK = _Stray(
    "personal_not_destroyed",
    f"its personal details were destroyed as {DESTROYED} records, and their key is there again",
    # A subject that names no entry is none; the cast must not bring the query down.
    f"""
    SELECT log_leaf.leaf_index, evidence_personal.evidence_id, '', 'a key'
    FROM (
        SELECT DISTINCT CASE WHEN subject ~ '^evidence/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'
            THEN CAST(substr(subject, 10) AS uuid) END AS id
        FROM evidence WHERE kind = '{DESTROYED}' AND outcome = 'DONE'
    ) AS destroyed
    JOIN evidence_personal ON evidence_personal.evidence_id = destroyed.id
    LEFT JOIN log_leaf ON log_leaf.evidence_id = destroyed.id
    WHERE evidence_personal.wrapped_key IS NOT NULL ORDER BY 1, 2
    """,  # noqa: S608  # the one name put in is DESTROYED
)
_TEXTS = _Stray(
    "text_without_entry",
    "its text is there, and nothing else of it at that moment",
    """
    SELECT log_leaf.leaf_index, stray.evidence_id, '', CAST(stray.recorded_at AS text)
    FROM evidence_text AS stray LEFT JOIN log_leaf ON log_leaf.evidence_id = stray.evidence_id
    WHERE NOT EXISTS (
        SELECT FROM evidence WHERE evidence.id = stray.evidence_id AND (
            evidence.recorded_at = stray.recorded_at OR NOT EXISTS (
                SELECT FROM evidence_text AS own
                WHERE own.evidence_id = evidence.id AND own.recorded_at = evidence.recorded_at
            )
        )
    )
    """,
)
_DETAILS = _Stray(
    "personal_without_entry",
    "the key of its personal details is there, and nothing else of it",
    """
    SELECT log_leaf.leaf_index, stray.evidence_id, '', 'a key'
    FROM evidence_personal AS stray LEFT JOIN log_leaf ON log_leaf.evidence_id = stray.evidence_id
    WHERE NOT EXISTS (SELECT FROM evidence WHERE evidence.id = stray.evidence_id)
    """,
)
_COUNTS = text("SELECT (SELECT count(*) FROM evidence_text), (SELECT count(*) FROM evidence_personal)")
_CHECKPOINTS = text(
    """
    SELECT size, min(held) FROM (
        SELECT size, 'one was kept' AS held FROM log_kept_checkpoint
        UNION ALL SELECT size, 'a witness cosigned it' FROM log_cosignature
        UNION ALL SELECT size, 'it was time-stamped' FROM log_stamp WHERE token IS NOT NULL
    ) AS known
    WHERE NOT EXISTS (SELECT FROM log_checkpoint WHERE log_checkpoint.size = known.size)
    GROUP BY size ORDER BY size LIMIT :most
    """
)


def find_strays(session: Session, report: Report) -> None:
    """Report numbers below 0, false moments in the queue, keys that were put back, and checkpoints that are gone."""
    for stray in (_NUMBERS, _NAMELESS, _QUEUED, _PUT_BACK):
        with report.step(session, f"Whether there is a {stray.code}"):
            _find(session, report, stray)
    with report.step(session, "Whether a checkpoint is missing"):
        for size, held in session.execute(_CHECKPOINTS, {"most": _MOST}):
            sentence = f"The checkpoint of {size} entries is not there any more; {held}."
            report.add(Finding("checkpoint_missing", sentence, None, None, f"{size} entries"))


def find_without_entry(session: Session, report: Report, texts: int, details: int, *, snapshot: bool) -> None:
    """Report texts and keys whose entry is gone; they are looked for when there are more than entries have.

    Args:
        texts: how many belong to entries that were read.
        details: the same of keys.
        snapshot: whether nothing can have come since those were read. Then it is a finding too that nothing which was
            found so far says why there are more.
    """
    for stray, count, read in zip((_TEXTS, _DETAILS), session.execute(_COUNTS).one(), (texts, details), strict=True):
        if count != read:
            _find(session, report, stray)
            if report.ok and snapshot:
                what = stray.code.partition("_")[0]
                sentence = f"Of the kind {what} there are {count}, and {read} belong to entries that were read."
                report.add(Finding(stray.code, sentence, None, None, str(read), str(count)))


def _find(session: Session, report: Report, stray: _Stray) -> None:
    for index, identity, expected, found in session.execute(text(f"{stray.query} LIMIT {_MOST}")):
        told = str(identity or "") or None
        name = f"Entry {told or 'without an id'}" if index is None else entry_name(index, told)
        known = identity if isinstance(identity, uuid.UUID) else None
        report.add(Finding(stray.code, f"{name}: {stray.what}.", index, known, expected, found or ""))
