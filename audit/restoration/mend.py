"""Going on after a backup was put back: the lost entries' hashes come from the published tiles, their texts are gone.

So the tree goes on from the last checkpoint that others have seen, and every witness can check that it does. What is
lost is a range of numbers, which the entry ``log.restored`` declares, with the reason and the two who answer for it. An
entry that the backup has, and that was numbered only after it was made, is not lost: it gets the number that it had.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import Written, append
from audit.checkpoint import Checkpoint
from audit.cosigned import moment_of, shown_moment
from audit.leaves import Source, tile_of
from audit.log_keys import LogKeys
from audit.merkle import HASH_SIZE
from audit.models import LOG_LOCK, LogCheckpoint
from audit.note import Note
from audit.restoration.declared import RESTORED
from audit.restoration.look import shown, stands_still
from audit.sequence import edge_tiles, store_tiles
from audit.tiles import WIDTH, edge, extend, tree_root

STEP = WIDTH * WIDTH
"""Hashes that are read and held at once, 2 MiB."""
_WAITING = text(
    """
    SELECT evidence.id, evidence.leaf_hash FROM evidence_queue
    JOIN evidence ON evidence.id = evidence_queue.evidence_id
    JOIN evidence_text ON evidence_text.recorded_at = evidence.recorded_at AND evidence_text.evidence_id = evidence.id
    WHERE evidence.leaf_hash = ANY(CAST(:hashes AS bytea[])) AND sha256('\\x00'::bytea || body) = evidence.leaf_hash
    """
)
_NUMBER = text(
    """
    WITH numbered AS (
        INSERT INTO log_leaf (leaf_index, evidence_id)
        SELECT * FROM unnest(CAST(:numbers AS bigint[]), CAST(:ids AS uuid[])) RETURNING evidence_id
    )
    DELETE FROM evidence_queue USING numbered WHERE numbered.evidence_id = evidence_queue.evidence_id
    """
)


@dataclass(frozen=True)
class Gap:
    """What is lost, and what the log goes on from.

    Attributes:
        start: entries that the database has.
        target: the checkpoint to go on from.
        note: that checkpoint, as the log signed it.
        lost: how many of the numbers from ``start`` to the target's size have no entry here; the others' still wait.
        moment: of that checkpoint's second signature, in POSIX seconds; 0 where there is none.
    """

    start: int
    target: Checkpoint
    note: str
    lost: int
    moment: int


def gap(session: Session, source: Source, keys: LogKeys) -> Gap:
    """Find out what is lost, and that its hashes lead to what was seen; nothing is written.

    Args:
        session: any that may read the log.
        source: where the log's tiles lie: its place in the object store, or another copy.
        keys: the log's.

    Raises:
        Conflict: the log does not stand still, the hashes of what is lost are not at the place, or the database is not
            the beginning of what was seen.
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
    waiting = _go_on(session, source, row.own_size, target, write=False)
    lines = tuple(line for key in keys.checkpoint_keys for line in Note.parse(note).lines_of(key))
    own_note = str(Note(Note.parse(note).text, lines))
    twice = Note.parse(note).lines_of(keys.second) if keys.second else ()
    moment = moment_of(twice[0].value) if twice else 0
    return Gap(row.own_size, target, own_note, target.size - row.own_size - waiting, moment)


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
        "lost": found.lost,
        "root": found.target.root.hex(),
        "confirmed_by": str(audit.person_id),
    }
    personal = {"reason": reasons[0], "confirmed_because": reasons[1], "confirmed_by": audit.name}
    return append(session, RESTORED, "log/1", system, after=after, personal=personal)


def mend(session: Session, source: Source, found: Gap, entry_id: uuid.UUID) -> None:
    """Put the lost hashes into the tree, and let the log go on; the caller commits.

    Args:
        session: of the sequencer role, in a transaction of its own.
        source: where the log's tiles lie, as for ``gap``.
        found: what that found.
        entry_id: the entry that declares the loss.

    Raises:
        Conflict: the log went on meanwhile, or the place has other hashes than before.
        InvalidInput: a tile is missing there.
        Transient: the place does not answer.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOG_LOCK)))
    row = stands_still(session)
    waiting = _go_on(session, source, found.start, found.target, write=True) if row else 0
    size = found.target.size
    if row is None or row.own_size != found.start or size - found.start - waiting != found.lost:
        raise Conflict("restoration.changed", "The log has changed meanwhile. Look at its state and begin anew.")
    now = system_now()
    signed_at = max(now, shown_moment(found.moment))  # a clock that ran ahead signed it, and the sequencer has to know
    session.add(LogCheckpoint(size=size, root=found.target.root, note=found.note, signed_at=signed_at))
    row.seen_size, row.evidence_id, row.done_at = size, entry_id, now
    session.flush()


def _go_on(session: Session, source: Source, start: int, target: Checkpoint, *, write: bool) -> int:
    """Let the tree of the database grow to the target's by the hashes that lie at the place.

    Args:
        write: write down tiles, and the numbers of entries that still wait; else it is only tried.

    Returns:
        How many of the entries wait in this database.

    Raises:
        Conflict: that does not give the target's root.
    """
    tiles, found = edge_tiles(session, start), 0
    try:
        for first, hashes in _steps(source, start, target.size):
            changed = extend(tiles, first, hashes)
            kept = set(edge(first + len(hashes)))
            tiles = {place: tile for place, tile in {**tiles, **changed}.items() if place in kept}
            waiting = {row.leaf_hash: row.id for row in session.execute(_WAITING, {"hashes": hashes})}
            found += len(waiting)
            if write:
                store_tiles(session, changed)
                _number(session, {first + at: waiting[leaf] for at, leaf in enumerate(hashes) if leaf in waiting})
        root = tree_root(target.size, lambda *place: tiles.get(place, b""))
    except (ValueError, LookupError):
        root = b""
    if start >= target.size or root != target.root:
        raise Conflict(
            "restoration.another_history",
            "The {start} entries of this database are not the beginning of the log of {size} entries that was seen:"
            " this is no older state of it, but another history. Run `shuniu audit verify`.",
            start=start,
            size=target.size,
        )
    return found


def _steps(source: Source, start: int, size: int) -> Iterator[tuple[int, Sequence[bytes]]]:
    """The leaf hashes from a number on, some at a time, each time with the number of the first of them."""
    while start < size:
        end = min(size, start - start % STEP + STEP)
        first = start // WIDTH
        data = b"".join(tile_of(source, 0, number, size) for number in range(first, -(-end // WIDTH)))
        places = range((start - first * WIDTH) * HASH_SIZE, (end - first * WIDTH) * HASH_SIZE, HASH_SIZE)
        yield start, [data[at : at + HASH_SIZE] for at in places]
        start = end


def _number(session: Session, entries: dict[int, uuid.UUID]) -> None:
    if entries:
        session.execute(_NUMBER, {"numbers": list(entries), "ids": list(entries.values())})
