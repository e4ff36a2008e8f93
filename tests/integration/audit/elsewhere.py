"""A log as others have seen it, when its database turns out to be an older one: made of hashes alone."""

import hashlib
import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.actor import Actor
from audit.checkpoint import Checkpoint, sign_next
from audit.log_keys import log_keys
from audit.models import Evidence, EvidenceQueue, LogTile
from audit.restoration.look import Seen, note_down
from audit.restoration.mend import Gap, declare, gap, mend
from audit.sequence import sequence
from audit.tiles import extend, path, tree_root
from tests.integration.audit.conftest import Log

SYSTEM = Actor(person_id=uuid.uuid4(), name="唐杰", roles=frozenset({"SYSTEM_ADMINISTRATOR"}))
AUDIT = Actor(person_id=uuid.uuid4(), name="韩雪", roles=frozenset({"AUDIT_ADMINISTRATOR"}))
REASONS = ("the disk broke", "the backup of the night is whole")


def foreign(count: int, name: str = "lost") -> list[bytes]:
    """Leaf hashes of entries that this database has not."""
    return [hashlib.sha256(f"{name} {number}".encode()).digest() for number in range(count)]


def numbered(session: Session) -> list[bytes]:
    """The leaf hashes of this database's tree, in order."""
    rows = session.scalars(select(LogTile.hashes).where(LogTile.level == 0).order_by(LogTile.number))
    hashes = b"".join(rows)
    return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]


def waiting(session: Session) -> list[bytes]:
    """The leaf hashes of the entries that wait, in the order of their writing."""
    entries = select(Evidence.leaf_hash).join(EvidenceQueue, EvidenceQueue.evidence_id == Evidence.id)
    return list(session.scalars(entries.order_by(Evidence.recorded_at, Evidence.id)))


def published(log: Log, leaves: Sequence[bytes], moment: int = 0) -> dict[str, bytes]:
    """What lies in the object store of a log of these leaves; its checkpoint states a moment, or none."""
    tiles, size = extend({}, 0, leaves), len(leaves)
    root = tree_root(size, lambda *place: tiles.get(place, b""))
    note = sign_next(log.key, None, Checkpoint(log.settings.log_origin, size, root), [], moment)
    return {path(*place, len(tile) // 32): tile for place, tile in tiles.items()} | {"checkpoint": str(note).encode()}


def restored(log: Log, session: Session, leaves: Sequence[bytes]) -> Gap:
    """The whole ceremony, in the session's transaction, of a database that is older than a log of these leaves."""
    files = published(log, leaves)
    assert note_down(session, [Seen("a test", len(leaves))])
    found = gap(session, files.get, log_keys(log.settings))
    mend(session, files.get, found, declare(session, found, SYSTEM, AUDIT, REASONS).id)
    return found


def go_on(log: Log, session: Session) -> None:
    """Number what waits."""
    while sequence(session, log.key, log.settings.log_origin):
        pass
