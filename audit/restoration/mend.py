"""Going on after a backup was put back: the lost entries' hashes come from the published tiles, their texts are gone.

So the tree goes on from the last checkpoint that others have seen, and every witness can check that it does. What is
lost is a range of numbers, which the entry ``log.restored`` declares, with the reason and the two who answer for it.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import Written, append
from audit.checkpoint import Checkpoint
from audit.leaves import Source, tile_of
from audit.log_keys import LogKeys
from audit.merkle import HASH_SIZE
from audit.models import LOG_LOCK, LogCheckpoint
from audit.note import Note
from audit.restoration.declared import RESTORED
from audit.restoration.look import shown, stands_still
from audit.sequence import edge_tiles, store_tiles
from audit.tiles import WIDTH, extend, tree_root


@dataclass(frozen=True)
class Gap:
    """What is lost, and what the log goes on from.

    Attributes:
        start: entries that the database has.
        target: the checkpoint to go on from; entries from ``start`` to its size are lost.
        note: that checkpoint, as the log signed it.
        leaves: hashes of the lost entries, in order.
    """

    start: int
    target: Checkpoint
    note: str
    leaves: tuple[bytes, ...]


def gap(session: Session, source: Source, keys: LogKeys) -> Gap:
    """Find out what is lost, and read its hashes; nothing is written.

    Args:
        session: any that may read the log.
        source: where the log's tiles lie: its place in the object store, or another copy.
        keys: the log's.

    Raises:
        Conflict: the log does not stand still, or the hashes of what is lost are not at the place.
        InvalidInput: a tile is missing there.
        Transient: the place does not answer.
    """
    row = stands_still(session)
    if row is None:
        raise Conflict("restoration.none", "Nobody knows more of the log than this database, so nothing is lost.")
    found = shown(source, keys)
    if found is None or found[0].size < row.seen_size:
        raise Conflict(
            "restoration.no_hashes",
            "{seen_by} has seen {seen_size} entries, and the hashes of the entries from {own_size} on are not here: the"
            " last checkpoint at this place is of {size}. Name another copy of the log with {option}. Without these"
            " hashes the log cannot go on under its name.",
            seen_by=row.seen_by,
            seen_size=row.seen_size,
            own_size=row.own_size,
            size=found[0].size if found else 0,
            option="--log",
        )
    target, note = found
    first = row.own_size // WIDTH
    data = b"".join(tile_of(source, 0, number, target.size) for number in range(first, -(-target.size // WIDTH)))
    skipped = row.own_size - first * WIDTH
    hashes = [data[at : at + HASH_SIZE] for at in range(skipped * HASH_SIZE, len(data), HASH_SIZE)]
    lines = tuple(line for key in keys.checkpoint_keys for line in Note.parse(note).lines_of(key))
    return Gap(row.own_size, target, str(Note(Note.parse(note).text, lines)), tuple(hashes))


def declare(session: Session, found: Gap, system: Actor, audit: Actor, reasons: tuple[str, str]) -> Written:
    """Record, before anything is mended, what is lost, why, and who answers for it; the caller commits.

    Args:
        system: the system administrator, who put the backup back.
        audit: the audit administrator, who confirms.
        reasons: of the one and of the other.
    """
    after = {
        "from_size": found.start,
        "to_size": found.target.size,
        "root": found.target.root.hex(),
        "confirmed_by": str(audit.person_id),
    }
    personal = {"reason": reasons[0], "confirmed_because": reasons[1], "confirmed_by": audit.name}
    return append(session, RESTORED, "log/1", system, after=after, personal=personal)


def mend(session: Session, found: Gap, entry_id: uuid.UUID) -> None:
    """Put the lost hashes into the tree, and let the log go on; the caller commits.

    Args:
        session: of the sequencer role, in a transaction of its own.
        entry_id: the entry that declares the loss.

    Raises:
        Conflict: the database is not the beginning of what was seen, or the log went on meanwhile.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOG_LOCK)))
    row = stands_still(session)
    if row is None or row.own_size != found.start:
        raise Conflict("restoration.changed", "The log has changed meanwhile. Look at its state and begin anew.")
    stored = edge_tiles(session, found.start)
    changed = extend(stored, found.start, found.leaves) if found.leaves else {}
    tiles = {**stored, **changed}
    size = found.target.size
    if not changed or tree_root(size, lambda *place: tiles.get(place, b"")) != found.target.root:
        raise Conflict(
            "restoration.another_history",
            "The {start} entries of this database are not the beginning of the log of {size} entries that was seen:"
            " this is no older state of it, but another history. Run `shuniu audit verify`.",
            start=found.start,
            size=size,
        )
    store_tiles(session, changed)
    now = system_now()
    session.add(LogCheckpoint(size=size, root=found.target.root, note=found.note, signed_at=now))
    row.seen_size, row.evidence_id, row.done_at = size, entry_id, now
    session.flush()
