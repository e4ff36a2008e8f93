"""Losses that entries of the log declare, for verification: read from the entries' own texts."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.archive.read import readable
from audit.models import Evidence, EvidenceQueue, LogCheckpoint, LogLeaf
from audit.restoration.models import LogRestoration

RESTORED = "log.restored"


@dataclass(frozen=True)
class Loss:
    """Entries whose texts are lost.

    Attributes:
        start, end: their numbers, from the one to before the other.
        lost: how many of these numbers have no entry; of the others the texts were still there.
        entry: number of the entry that says so; None while that waits to be numbered.
    """

    start: int
    end: int
    lost: int
    entry: int | None


def declared_losses(session: Session) -> tuple[Loss, ...]:
    """Every loss that an entry declares in the name of two people, up to a checkpoint that the log has.

    One that would cover the entry itself, or is not formed, is none. Where the entry's own text is in an archive that
    is gone, what was written down beside it stands for it.
    """
    rows = session.execute(
        select(LogLeaf.leaf_index, Evidence.id, Evidence.body)
        .select_from(Evidence)
        .outerjoin(LogLeaf, LogLeaf.evidence_id == Evidence.id)
        .outerjoin(EvidenceQueue, EvidenceQueue.evidence_id == Evidence.id)
        .where(Evidence.kind == RESTORED, Evidence.outcome == "DONE")
        .where(LogLeaf.leaf_index.is_not(None) | EvidenceQueue.queued_at.is_not(None))
        .order_by(LogLeaf.leaf_index)
    ).all()
    kept = readable(session, [row.id for row in rows if not row.body])
    found = (
        _written_down(session, row.id, row.leaf_index)
        if not row.body and row.id not in kept
        else _stated(session, kept[row.id].body if row.id in kept else row.body, row.leaf_index)
        for row in rows
    )
    return tuple(loss for loss in found if loss and _possible(loss))


def _stated(session: Session, body: bytes, index: int | None) -> Loss | None:
    """What an entry's text declares; None where it is falsified, which verification names by itself."""
    try:
        data: Mapping[str, Any] = orjson.loads(body)["data"]
        after = data["after"]
        start, end, root = int(after["from_size"]), int(after["to_size"]), bytes.fromhex(after["root"])
        loss = Loss(start, end, int(after.get("lost", end - start)), index)
        two = data["actor"]["person"] and data["actor"]["person"] != after["confirmed_by"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    there = session.scalar(select(LogCheckpoint.root).where(LogCheckpoint.size == end))
    return loss if two and there == root else None


def _written_down(session: Session, entry_id: uuid.UUID, index: int | None) -> Loss | None:
    row = session.scalar(select(LogRestoration).where(LogRestoration.evidence_id == entry_id))
    return Loss(row.own_size, row.seen_size, row.seen_size - row.own_size, index) if row else None


def _possible(loss: Loss) -> bool:
    return 0 <= loss.start < loss.end and (loss.entry is None or loss.end <= loss.entry)
