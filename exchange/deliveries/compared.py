"""Deliveries beside the evidence log: what was prepared, how far it came, the receiver's receipt (R44, R49, R120)."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import Discrepancy, batches, differences, recorded
from audit.salted import CONTENT, SALT, salted_digest
from directory.keys.models import AgencyKey
from directory.keys.signing import verify_signature
from exchange.deliveries.acknowledge import content
from exchange.deliveries.models import Acknowledgement, Delivery, FileFormat
from exchange.deliveries.progress import prepared_file
from schemas.canonical import canonical_bytes, digest, sha256_hex

MOVED = (
    "delivery.requested",
    "delivery.prepared",
    "delivery.delivered",
    "delivery.failed",
    "delivery.revoked",
    "delivery.acknowledged",
)
UNPREPARED = {"rows": 0, "bytes": 0, "release": None}
"""Figures of a delivery before an entry states them."""


def delivery_facts(delivery: Delivery) -> dict[str, object]:
    """What a delivery says, as its entries record it; the digest of the file has its own reconciler."""
    return {
        "number": delivery.number,
        "state": delivery.state,
        "mode": delivery.mode,
        "format": delivery.format,
        "purpose": delivery.purpose,
        "matter": delivery.matter,
        "rows": delivery.rows,
        "bytes": delivery.bytes,
    }


def prepared_facts(delivery: Delivery) -> dict[str, object]:
    """What was prepared, as ``delivery.prepared`` records it."""
    return {
        "sha256": delivery.sha256,
        "release": str(delivery.release_id) if delivery.release_id else None,
        "file": digest(prepared_file(delivery)),
    }


def receipts_stand(session: Session) -> Iterator[Discrepancy]:
    """Receipts that are not those of their entries, or whose signature does not verify."""
    rows = select(Acknowledgement).options(selectinload(Acknowledgement.delivery))
    for batch in batches(session, rows, Acknowledgement.delivery_id):
        subjects = [f"delivery/{row.delivery_id}" for row in batch]
        entries = recorded(session, Evidence.subject, subjects, ["delivery.acknowledged"], personal_details)
        wanted = [row.key_id for row in batch if row.key_id]
        keys = {key.id: key for key in session.scalars(select(AgencyKey).where(AgencyKey.id.in_(wanted)))}
        for row in entries.known(batch, lambda row: f"delivery/{row.delivery_id}"):
            subject, key = f"delivery/{row.delivery_id}", keys.get(row.key_id)
            of_row = entries.get(subject, [])
            if not of_row:
                yield Discrepancy(subject, f"No entry delivery.acknowledged records the receipt of {subject}.")
            for each in of_row:
                yield from differences(subject, _facts(row, key, each.after), each.after)
            if row.accepted and row.delivery.format == FileFormat.PACKAGE and not _verifies(row, key):
                yield Discrepancy(subject, f"The signature of the receipt of {subject} does not verify.")


def _facts(row: Acknowledgement, key: AgencyKey | None, stated: Mapping[str, Any]) -> dict[str, object]:
    """What a receipt says, fact by fact, and as a whole where the entry's salt is known."""
    receipt = content(row, key)
    whole = {CONTENT: salted_digest(stated[SALT], receipt)} if SALT in stated else {}
    return {**receipt, **whole, "digest": sha256_hex(row.remark.encode())}


def _verifies(row: Acknowledgement, key: AgencyKey | None) -> bool:
    if key is None or row.receipt is None or row.signature is None:
        return False
    return verify_signature(key, canonical_bytes(row.receipt), row.signature)
