"""Losses that entries of the log declare, for verification: read from the entries' own texts."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from adapters.errors import ShuniuError
from audit.archive.read import bodies
from audit.cosigned import LATEST
from audit.models import Evidence, EvidenceQueue, LogCheckpoint, LogLeaf
from audit.restoration.models import LogRestoration
from audit.store.models import KeptCheckpoint
from audit.witness.models import LogCosignature

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

    One that would cover the entry itself, or is not formed, is none. Nor is one that no restoration made, or from
    within which this database has a checkpoint: where a backup was put back there is none (`audit.restoration.mend`).
    Where the entry's own text is in an archive that is gone, what was written down beside it stands for it.
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
    texts = bodies(session, {row.id: row.body for row in rows}, over=ShuniuError)
    found = (
        _stated(session, texts[row.id], row.leaf_index)
        if row.id in texts
        else _written_down(session, row.id, row.leaf_index)
        for row in rows
    )
    there = zip(rows, found, strict=True)
    return tuple(loss for row, loss in there if loss and _possible(loss) and _made(session, loss, row.id))


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
    if not two or not 0 <= end <= LATEST:
        return None
    return loss if session.scalar(select(LogCheckpoint.root).where(LogCheckpoint.size == end)) == root else None


def _written_down(session: Session, entry_id: uuid.UUID, index: int | None) -> Loss | None:
    row = session.scalar(select(LogRestoration).where(LogRestoration.evidence_id == entry_id))
    return Loss(row.own_size, row.seen_size, row.seen_size - row.own_size, index) if row else None


def _possible(loss: Loss) -> bool:
    return 0 <= loss.start < loss.end and (loss.entry is None or loss.end <= loss.entry)


def _made(session: Session, loss: Loss, entry_id: uuid.UUID) -> bool:
    """Whether a restoration made this loss, and nothing in this database was signed or kept from within it."""
    row = LogRestoration
    done = exists().where(row.evidence_id == entry_id, row.done_at.is_not(None))
    done = done.where(row.own_size == loss.start, row.seen_size == loss.end)
    return bool(session.scalar(select(done & ~_seen_within(loss))))


def _seen_within(loss: Loss) -> ColumnElement[bool]:
    sizes: tuple[InstrumentedAttribute[int], ...] = (LogCheckpoint.size, KeptCheckpoint.size, LogCosignature.size)
    return or_(*(exists().where(size > loss.start, size < loss.end) for size in sizes))
