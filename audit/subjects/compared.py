"""The blind index beside the log: who is found without an entry, and which entry is not found by whom it concerns.

An entry's encrypted part has what was asked by, and of further people, whom rows named, a digest of their tokens. Once
its key is destroyed, or its archive has expired, nothing of it is compared; an entry whose text commits to no such part
concerns nobody but whom its list names (R48, R84, R120).
"""

import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Row, bindparam, func, select, text
from sqlalchemy.orm import Session

from adapters.prepared import Prepared
from audit.append import configured
from audit.archive.read import bodies
from audit.opened import personal_details
from audit.reconcile import Discrepancy, register
from audit.subjects.blind import NOBODY_ELSE, SubjectKind, digest_of, kinds_by_form
from audit.subjects.listed import lists_follow_entries
from audit.subjects.models import ExtractSubject, SubjectExtract

SEARCHES = ("evidence.subject_searched", "evidence.exported", "personal.destruction_asked")
ANSWERED = "release.completed"
RELEASES = ("release.authorised", ANSWERED, "release.refused", "release.aborted", "release.unknown")
_BATCH = 500
_BOTH = text(
    """
    SELECT entry.id, entry.kind, found.evidence_id, found.tokens
    FROM evidence AS entry FULL JOIN (
        SELECT evidence_id, recorded_at, array_agg(token) AS tokens
        FROM evidence_subject GROUP BY evidence_id, recorded_at
    ) AS found ON found.evidence_id = entry.id AND found.recorded_at = entry.recorded_at
    WHERE found.evidence_id IS NOT NULL OR entry.kind = ANY(:kinds)
    """
).bindparams(bindparam("kinds", [*SEARCHES, *RELEASES]))

_TEXTS = Prepared(
    """
    SELECT evidence.id, evidence_text.body FROM evidence
    LEFT JOIN evidence_text ON evidence_text.recorded_at = evidence.recorded_at
        AND evidence_text.evidence_id = evidence.id
    WHERE evidence.id = ANY(%(ids)s::uuid[])
    """,
    binary=True,
)


def register_reconcilers() -> None:
    """Have every verification compare the blind index with the log."""
    register("subject-index", index_follows_entries)
    register("subject-extract", extracts_are_whole)


def index_follows_entries(session: Session) -> Iterator[Discrepancy]:
    """Tokens that lead to no entry, entries without the tokens of whom they concern, or with those of others."""
    both = session.execute(_BOTH.execution_options(yield_per=_BATCH))
    for batch in both.partitions(_BATCH):
        ids = [row.id for row in batch if row.id]
        stated = _stated(session, ids)
        details: dict[uuid.UUID, dict[str, Any]] = {
            entry_id: {} for entry_id, data in stated.items() if not data.get("personal")
        }
        details |= personal_details(session, ids)
        facts = {entry_id: after for entry_id, data in stated.items() if isinstance(after := data.get("after"), dict)}
        for row in batch:
            if row.id is None:
                sentence = f"The blind index names the entry {row.evidence_id}, which is not there at that moment."
                yield Discrepancy(f"evidence/{row.evidence_id}", sentence, found="index row")
            else:
                yield from _compared(row, details.get(row.id), facts.get(row.id, {}))
        named = {entry_id: after["extract"] for entry_id, after in facts.items() if after.get("extract")}
        yield from lists_follow_entries(session, named, details)


def extracts_are_whole(session: Session) -> Iterator[Discrepancy]:
    """Lists of data subjects of whole deliveries that are not as long as they were made, or that are no list's."""
    counted = (
        select(ExtractSubject.extract_id, func.count().label("listed")).group_by(ExtractSubject.extract_id).subquery()
    )
    extract_id, listed = func.coalesce(SubjectExtract.id, counted.c.extract_id), func.coalesce(counted.c.listed, 0)
    made = func.coalesce(SubjectExtract.subjects, -1)
    statement = (
        select(extract_id, SubjectExtract.subjects, listed)
        .join_from(SubjectExtract, counted, counted.c.extract_id == SubjectExtract.id, full=True)
        .where(made != listed)
    )
    for name, subjects, found in session.execute(statement.execution_options(yield_per=_BATCH)):
        sentence = f"The list {name} of data subjects is not as it was made: {found} are in it."
        yield Discrepancy(f"subject_extract/{name}", sentence, str(subjects or ""), str(found))


def _compared(row: Row[Any], details: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[Discrepancy]:
    blind, tokens, subject = configured().blind, {bytes(one) for one in row.tokens or ()}, f"evidence/{row.id}"
    extract = {_bytes(after["extract"])} if after.get("extract") else set()
    if extract - tokens:
        yield Discrepancy(subject, f"{subject} is not found by those whom its delivery names.", after["extract"])
    if row.kind not in (*SEARCHES, *RELEASES):
        yield Discrepancy(subject, f"{subject} ({row.kind}) concerns nobody, and the blind index says it does.")
        return
    if details is None:
        return
    others = tokens - extract
    for value in _asked(details):
        every = {kind: blind.token(kind, value) for kind in SubjectKind}
        if not tokens & set(every.values()) and (row.kind in SEARCHES or kinds_by_form(value)):
            yield Discrepancy(subject, f"{subject} ({row.kind}) is not found by the number that was asked by.")
        others -= set(every.values())
    stated = details.get("concerned", "")
    if stated == NOBODY_ELSE:
        if others:
            yield Discrepancy(subject, f"{subject} ({row.kind}) is found by others than it concerns.", stated)
        return
    answered = row.kind == ANSWERED and details.get("purpose") and after.get("rows") and not extract
    if (stated or (others and not answered)) and stated != digest_of(others):
        yield Discrepancy(subject, f"{subject} ({row.kind}) is found by others than it concerns.", stated)


def _asked(details: Mapping[str, Any]) -> list[str]:
    """Numbers that somebody asked by."""
    searched = [details.get("value"), (details.get("asked") or {}).get("value")]
    return [str(value) for value in (*(details.get("subjects") or {}).values(), *searched) if value]


def _stated(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Mapping[str, Any]]:
    """The ``data`` of entries; those that have expired or are falsified state nothing, verification names them."""
    texts = bodies(session, {entry_id: body for entry_id, body in _TEXTS.rows(session, ids=list(ids))})
    found: dict[uuid.UUID, Mapping[str, Any]] = {}
    for entry_id, body in texts.items():
        try:
            data = orjson.loads(body)["data"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(data, dict):
            found[entry_id] = data
    return found


def _bytes(extract: object) -> bytes:
    try:
        return uuid.UUID(str(extract)).bytes
    except ValueError:
        return b""
