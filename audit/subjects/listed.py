"""Lists of data subjects beside the entries that name them: each is there, and as it was when first named.

The entry that names a list first states a digest of it, in its encrypted part: older entries state none.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.reconcile import Discrepancy
from audit.subjects.models import EvidenceSubject, ExtractSubject, SubjectExtract
from schemas.canonical import canonical_bytes

STATED = "listed"
_BATCH = 10_000


def first_named(session: Session, extract_id: uuid.UUID) -> dict[str, str]:
    """What the encrypted part of an entry that names a list says of it; nothing when an earlier entry names it."""
    named = select(EvidenceSubject.evidence_id).where(EvidenceSubject.token == extract_id.bytes).limit(1)
    if session.scalar(named) is not None:
        return {}
    return {STATED: list_digest(session, session.get_one(SubjectExtract, extract_id))}


def list_digest(session: Session, extract: SubjectExtract) -> str:
    """SHA-256 (hex) of what a list is of and of its tokens in order, read in bounded memory."""
    of = {"version": str(extract.dataset_version_id), "condition": extract.condition, "rows": extract.rows}
    digest = hashlib.sha256(canonical_bytes(of))
    tokens = select(ExtractSubject.token).where(ExtractSubject.extract_id == extract.id).order_by(ExtractSubject.token)
    for batch in session.scalars(tokens.execution_options(yield_per=_BATCH)).partitions():
        digest.update(b"".join(batch))
    return digest.hexdigest()


def lists_follow_entries(
    session: Session, named: Mapping[uuid.UUID, object], details: Mapping[uuid.UUID, Mapping[str, Any]]
) -> Iterator[Discrepancy]:
    """Lists that entries name and that are not there, or not as they were when first named.

    Args:
        named: the list that an entry names, by the entry's id.
        details: encrypted parts of entries that are readable still, by id.
    """
    known = {entry_id: identity for entry_id, text in named.items() if (identity := _identity(text)) is not None}
    there = _there(session, set(known.values()))
    for entry_id, extract_id in known.items():
        subject, extract = f"evidence/{entry_id}", there.get(extract_id)
        if extract is None:
            sentence = f"The list {extract_id} of data subjects, which {subject} names, is not there."
            yield Discrepancy(subject, sentence, str(extract_id))
            continue
        stated = details.get(entry_id, {}).get(STATED)
        if stated and stated != (found := list_digest(session, extract)):
            sentence = f"The list {extract_id} of data subjects is not as it was made: {subject} states another."
            yield Discrepancy(f"subject_extract/{extract_id}", sentence, str(stated), found)


def _there(session: Session, extract_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, SubjectExtract]:
    if not extract_ids:
        return {}
    rows = session.scalars(
        select(SubjectExtract).where(SubjectExtract.id.in_(extract_ids)).execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _identity(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
