"""Personal details of many entries at once, for the reconcilers of the rooms.

Apart from ``audit.reconcile``, because verification itself shares no code with the writer, whose seal this takes.
"""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.append import configured
from audit.archive.read import readable
from audit.models import EvidencePersonal
from audit.personal import details_of


def personal_details(session: Session, entry_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """Personal details of entries; those that were destroyed or do not open are left out, verification names them."""
    rows = select(EvidencePersonal).where(
        EvidencePersonal.evidence_id.in_(entry_ids), EvidencePersonal.wrapped_key.is_not(None)
    )
    seal, found = configured().seal, {}
    beside = session.scalars(rows).all()
    kept = readable(session, [row.evidence_id for row in beside if not row.ciphertext])
    for row in beside:
        ciphertext = row.ciphertext or (kept[row.evidence_id].ciphertext if row.evidence_id in kept else None) or b""
        try:
            found[row.evidence_id] = details_of(seal.open(row.evidence_id, row.wrapped_key or b"", ciphertext))
        except ValueError:
            continue
    return found
