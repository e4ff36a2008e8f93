"""Declared restorations beside the log: each rests on its entry, and each entry that let the log go on has its row."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from audit.archive.read import bodies
from audit.cosigned import LATEST
from audit.models import Evidence, LogCheckpoint
from audit.reconcile import DONE, Discrepancy, register
from audit.restoration.declared import RESTORED
from audit.restoration.dismiss import NOTHING_LOST
from audit.restoration.models import LogRestoration

_SIZES = {RESTORED: ("from_size", "to_size"), NOTHING_LOST: ("size", "size")}


def register_reconcilers() -> None:
    """Have every verification compare restorations with the log."""
    register("restoration", restorations_follow_entries)


def restorations_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """Restorations that no entry declares so, and entries of a restoration that is not written down.

    An entry stays behind alone when the log changed between the declaration and the mending; then the log has no
    checkpoint of that size and root.
    """
    stated = {entry_id: (kind, after) for entry_id, kind, after in _entries(session)}
    rows = session.scalars(select(LogRestoration).where(LogRestoration.done_at.is_not(None))).all()
    made = {(row.own_size, row.seen_size) for row in rows}
    for row in rows:
        sizes, found = "", (row.own_size, row.seen_size)
        if row.evidence_id in stated:
            kind, after = stated[row.evidence_id]
            if after is None or _sizes(kind, after) == found:
                continue
            sizes = str(_sizes(kind, after))
        sentence = f"The restoration {row.id} is written down, and no entry declares it so."
        yield Discrepancy(f"log_restoration/{row.id}", sentence, sizes, str(found))
    for entry_id, (kind, after) in stated.items():
        if kind == RESTORED and after and _sizes(kind, after) not in made and _let_go_on(session, after):
            sentence = f"Entry {entry_id} declares that a backup was put back, and no restoration is written down."
            yield Discrepancy(f"evidence/{entry_id}", sentence, str(_sizes(kind, after)))


def _sizes(kind: str, after: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(after.get(name) for name in _SIZES[kind])


def _entries(session: Session) -> Iterator[tuple[uuid.UUID, str, Mapping[str, Any] | None]]:
    """Id, kind and facts of each declaration; no facts where its text is in an archive that is gone."""
    entries = select(Evidence.id, Evidence.kind, Evidence.body).where(
        Evidence.kind.in_(_SIZES), Evidence.outcome == DONE
    )
    rows = session.execute(entries.order_by(Evidence.recorded_at, Evidence.id)).all()
    texts = bodies(session, {row.id: row.body for row in rows})
    for entry_id, kind, _ in rows:
        try:
            after = orjson.loads(texts[entry_id])["data"]["after"]
        except (ValueError, KeyError, TypeError):  # a falsified entry: verification names it by itself
            after = None
        yield entry_id, kind, after if isinstance(after, dict) else None


def _let_go_on(session: Session, after: Mapping[str, Any]) -> bool:
    """Whether the log has the checkpoint that an entry says it goes on from."""
    size, root = after.get("to_size"), str(after.get("root"))
    if not isinstance(size, int) or not 0 <= size <= LATEST:
        return False
    try:
        same = exists().where(LogCheckpoint.size == size, LogCheckpoint.root == bytes.fromhex(root))
    except ValueError:
        return False
    return bool(session.scalar(select(same)))
