"""Entries whose personal details name a data subject."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from audit.append import configured
from audit.archive.read import expired
from audit.models import Evidence, EvidencePersonal
from audit.opened import personal_details
from audit.subjects.blind import SubjectKind
from audit.subjects.models import EvidenceSubject

_AT_ONCE = 500
_FIRST = uuid.UUID(int=0)


def entries_naming(
    session: Session, kind: SubjectKind, token: bytes, until: datetime | None
) -> Iterator[tuple[uuid.UUID, str]]:
    """Ids and matters of entries whose details still stand and name the subject, in bounded memory.

    The blind index also finds pages whose rows named the subject, and whose own details do not: these stay. Details
    in an archive that has expired are passed over; there is nothing of them left to be opened.

    Args:
        until: entries recorded before this moment alone; None for all.

    Raises:
        Conflict: details that have not expired do not open, so that it is not known whether they name the subject.
        Transient: some lie in an archive, and the object store does not answer.
    """
    after = _FIRST
    while True:
        rows = session.execute(
            select(Evidence.id, Evidence.matter)
            .join(EvidenceSubject, EvidenceSubject.evidence_id == Evidence.id)
            .join(EvidencePersonal, EvidencePersonal.evidence_id == Evidence.id)
            .where(
                EvidenceSubject.token == token,
                EvidencePersonal.wrapped_key.is_not(None),
                Evidence.id > after,
                *([Evidence.recorded_at < until] if until else []),
            )
            .order_by(Evidence.id)
            .limit(_AT_ONCE)
        ).all()
        opened = personal_details(session, [row.id for row in rows])
        _all_opened(session, [row.id for row in rows if row.id not in opened])
        for row in rows:
            if row.id in opened and token in _tokens(kind, opened[row.id]):
                yield row.id, row.matter
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].id


def _all_opened(session: Session, shut: Sequence[uuid.UUID]) -> None:
    gone = expired(session, shut)
    for entry_id in shut:
        if entry_id not in gone:
            raise Conflict(
                "destruction.unreadable",
                "The index finds the entry {id} by this number, and its details cannot be opened: its text or archive"
                " is missing or was changed. Nothing was destroyed or asked for. Have `shuniu audit verify` name what"
                " is wrong and mend it; then try again.",
                id=entry_id,
            )


def _tokens(kind: SubjectKind, details: Mapping[str, Any]) -> set[bytes]:
    """Tokens of whatever an entry's details may name a subject by."""
    blind = configured().blind
    looked_up = details.get("subjects") or {}
    searched = [details.get("value"), (details.get("asked") or {}).get("value")]
    values = [*looked_up.values(), *(details.get("row_condition_values") or []), *searched]
    return {blind.token(kind, value) for value in values if value}
