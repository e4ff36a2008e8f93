"""The publisher: copies hash tiles and then the checkpoint over them into the object store, by state.

The checkpoint in the store says how far the store is, for it is written after its tiles; the row in ``log_store`` says
the same a moment later. So a crash at any point loses nothing and publishes nothing too early: the next step finds the
checkpoint before and writes the same tiles again.
"""

from collections.abc import Iterator

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import InvalidInput, Terminal
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.keys import VerifierKey
from audit.merkle import HASH_SIZE
from audit.models import LogCheckpoint, LogTile
from audit.store.models import ONE, PUBLISH_LOCK, LogStore
from audit.store.place import CHECKPOINT, COSIGNED, TEXT, Place
from audit.tiles import WIDTH, Key, count, edge, path, shape, tree_root, width
from audit.witness.gathered import newest_cosigned, with_cosignatures

STEP = WIDTH * WIDTH
"""Entries in one step, if there are checkpoints to divide them by."""


def publish(session: Session, place: Place, key: VerifierKey) -> int | None:
    """Publish the next checkpoint and its tiles; the caller commits.

    Args:
        session: of the sequencer role, in a transaction of its own.
        place: where to.
        key: of the log.

    Returns:
        How many entries more the store covers now; None when another publisher or a verification is at work.

    Raises:
        Terminal: the store does not hold what was published, or the database does not continue it.
        Transient: the store does not answer.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(PUBLISH_LOCK))):
        return None
    row = state_of(session)
    start, there = _published(session, place, key, row)
    following = _next(session, start)
    if following is None:
        row.size = start
        _add_cosignatures(session, place, start, there)
        return 0
    check_tree(session, following)
    for name, data, full in grown(session, start, following.size):
        _write_tile(place, name, data, full=full)
    place.write(CHECKPOINT, with_cosignatures(session, following.size, following.note).encode(), TEXT)
    row.size, row.published_at = following.size, system_now()
    _remove_partial_tiles(place, start, following.size)
    session.flush()
    return following.size - start


def state_of(session: Session) -> LogStore:
    """The one row of the store's state, made when it is missing."""
    session.execute(
        text("INSERT INTO log_store (id, size, lock, problem) VALUES (1, 0, '', '') ON CONFLICT (id) DO NOTHING")
    )
    return session.get_one(LogStore, ONE)


def publish_cosigned(session: Session, place: Place, written: str) -> str:
    """Publish the newest checkpoint that enough witnesses cosigned, no newer than what is published.

    Args:
        written: what this process published so last; empty at its start.

    Returns:
        what is published so now.

    Raises:
        Transient: the store does not answer.
    """
    found = newest_cosigned(session, most=state_of(session).size)
    if found is None or found.note == written:
        return written
    place.write(COSIGNED, found.note.encode(), TEXT)
    return found.note


def _add_cosignatures(session: Session, place: Place, size: int, there: bytes) -> None:
    """Write the published checkpoint anew when witnesses have cosigned it since."""
    own = session.get(LogCheckpoint, size)
    note = with_cosignatures(session, size, own.note).encode() if own else there
    if len(note) > len(there):
        place.write(CHECKPOINT, note, TEXT)


def _published(session: Session, place: Place, key: VerifierKey, row: LogStore) -> tuple[int, bytes]:
    """How many entries the store covers, if it holds what was published and the database continues it; its note."""
    note = place.read(CHECKPOINT)
    if note is None:
        if row.size:
            raise _changed(f"its checkpoint of {row.size} entries is gone")
        return 0, b""
    found = _opened(note, key)
    if found.size < row.size:
        raise _changed(f"its checkpoint is of {found.size} entries, one of {row.size} was published")
    own = session.get(LogCheckpoint, found.size)
    if own is None or own.root != found.root:
        raise _changed(f"it holds a signed checkpoint of {found.size} entries that the database does not have")
    return found.size, note


def _opened(note: bytes, key: VerifierKey) -> Checkpoint:
    try:
        return open_checkpoint(note.decode(), key, key.name)
    except (InvalidInput, UnicodeDecodeError) as error:
        raise _changed(f"its checkpoint is not one of this log ({error})") from error


def _next(session: Session, start: int) -> LogCheckpoint | None:
    """The last checkpoint within a step; where a batch was larger, the first after ``start``."""
    later = select(LogCheckpoint).where(LogCheckpoint.size > start)
    within = later.where(LogCheckpoint.size <= start + STEP).order_by(LogCheckpoint.size.desc()).limit(1)
    return session.scalar(within) or session.scalar(later.order_by(LogCheckpoint.size).limit(1))


def check_tree(session: Session, following: LogCheckpoint) -> None:
    """The tiles at the tree's edge must give the checkpoint's root, or nothing is published.

    Raises:
        Terminal: they do not.
    """
    where = tuple_(LogTile.level, LogTile.number).in_(edge(following.size))
    rows = session.execute(select(LogTile.level, LogTile.number, LogTile.hashes).where(where))
    stored: dict[Key, bytes] = {(row.level, row.number): row.hashes for row in rows}

    def tile(level: int, number: int) -> bytes:
        return stored.get((level, number), b"")[: width(level, number, following.size) * HASH_SIZE]

    try:
        whole = tree_root(following.size, tile) == following.root
    except LookupError:
        whole = False
    if not whole:
        raise Terminal(
            "evidence.tiles_contradict_checkpoint",
            "The tiles in the database do not give the root of the checkpoint of {size} entries, so it is not"
            " published. Run `shuniu audit verify`.",
            size=following.size,
        )


def grown(session: Session, start: int, size: int) -> Iterator[tuple[str, bytes, bool]]:
    """Name, hashes and fullness of each tile that a tree of ``size`` has and one of ``start`` had not so wide."""
    for level, hashes in shape(size):
        before = count(level, start)
        if hashes == before:
            continue
        numbers = LogTile.number.between(before // WIDTH, (hashes - 1) // WIDTH)
        rows = select(LogTile.number, LogTile.hashes).where(LogTile.level == level, numbers).order_by(LogTile.number)
        for number, stored in session.execute(rows):
            wide = width(level, number, size)
            yield path(level, number, wide), stored[: wide * HASH_SIZE], wide == WIDTH


def _write_tile(place: Place, name: str, data: bytes, *, full: bool) -> None:
    """Write a tile; a full one once for all, so one that is there already must be the same."""
    there = place.read(name) if full else None
    if there is None:
        place.write(name, data)
    elif there != data:
        raise _changed(f"its {name} is another one than the database's")


def _remove_partial_tiles(place: Place, start: int, size: int) -> None:
    """Remove what was published of tiles that have become full (tlog-tiles lets them go)."""
    for level, hashes in shape(start):
        number = hashes // WIDTH
        if hashes % WIDTH and width(level, number, size) == WIDTH:
            for name in list(place.names(f"{path(level, number)}.p/")):
                place.remove(name)


def _changed(reason: str) -> Terminal:
    return Terminal(
        "evidence.store_changed",
        "The object store does not hold what was published: {reason}. Nothing more is published until `shuniu"
        " publish-again` has put it back; `shuniu audit verify` names what differs.",
        reason=reason,
    )
