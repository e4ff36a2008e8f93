"""Losses that entries of the log declare, for verification: read from the entries' own texts."""

from dataclasses import dataclass

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.archive.read import readable
from audit.models import Evidence, LogLeaf

RESTORED = "log.restored"


@dataclass(frozen=True)
class Loss:
    """Entries whose texts are lost: numbers from ``start`` to before ``end``; ``entry`` is the number that says so."""

    start: int
    end: int
    entry: int

    def covers(self, start: int, end: int) -> bool:
        """Whether all of these numbers are declared lost."""
        return self.start <= start and end <= self.end


def declared_losses(session: Session) -> tuple[Loss, ...]:
    """Every loss that a numbered entry declares; one that would cover the entry itself, or is not formed, is none."""
    rows = session.execute(
        select(LogLeaf.leaf_index, Evidence.id, Evidence.body)
        .join(Evidence, Evidence.id == LogLeaf.evidence_id)
        .where(Evidence.kind == RESTORED, Evidence.outcome == "DONE")
        .order_by(LogLeaf.leaf_index)
    ).all()
    kept = readable(session, [row.id for row in rows if not row.body])
    losses = []
    for index, entry_id, body in rows:
        try:
            after = orjson.loads(kept[entry_id].body if entry_id in kept else body)["data"]["after"]
            loss = Loss(int(after["from_size"]), int(after["to_size"]), index)
        except (ValueError, KeyError, TypeError):  # a falsified entry: verification names it by itself
            continue
        if 0 <= loss.start < loss.end <= index:
            losses.append(loss)
    return tuple(losses)
