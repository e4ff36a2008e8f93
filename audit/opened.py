"""Personal details of many entries at once, for the reconcilers of the rooms.

Apart from ``audit.reconcile``, because verification itself shares no code with the writer, whose seal this takes.
"""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from adapters.prepared import Prepared
from audit.append import configured
from audit.archive.read import readable
from audit.personal import details_of

_SEALED = Prepared(
    """
    SELECT evidence_personal.evidence_id, evidence_personal.wrapped_key, evidence_text.ciphertext
    FROM evidence_personal JOIN evidence ON evidence.id = evidence_personal.evidence_id
    LEFT JOIN evidence_text ON evidence_text.recorded_at = evidence.recorded_at
        AND evidence_text.evidence_id = evidence.id
    WHERE evidence_personal.evidence_id = ANY(%(ids)s::uuid[]) AND evidence_personal.wrapped_key IS NOT NULL
    """,
    binary=True,
)


def personal_details(session: Session, entry_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """Personal details of entries; those that were destroyed or do not open are left out, verification names them.

    Raises:
        Transient: some lie in an archive, and the object store does not answer.
    """
    seal, found = configured().seal, {}
    sealed = _SEALED.rows(session, ids=list(entry_ids)) if entry_ids else []
    kept = readable(session, [entry_id for entry_id, _, ciphertext in sealed if not ciphertext])
    for entry_id, wrapped_key, stored in sealed:
        ciphertext = stored or (kept[entry_id].ciphertext if entry_id in kept else None) or b""
        try:
            found[entry_id] = details_of(seal.open(entry_id, wrapped_key, ciphertext))
        except ValueError:
            continue
    return found
