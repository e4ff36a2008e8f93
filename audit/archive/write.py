"""Archiving: the oldest entries go into a locked object, by state; nothing is taken away here.

The object is written, held and read back before its row and its entry of evidence are committed together. A crash
before that leaves a version that nothing points to; the next run writes the same bytes again.
"""

import logging
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, Terminal
from audit.actor import Actor
from audit.append import append
from audit.archive.format import BLOCK, Block, Header, Kept, packed, packed_block
from audit.archive.models import ARCHIVE_LOCK, LogArchive
from audit.merkle import HASH_SIZE, leaf_hash
from audit.models import LogCheckpoint
from audit.restoration.declared import Loss, declared_losses
from audit.store.keep import try_lock
from audit.store.place import DAYS_OF_A_YEAR, Place
from audit.tiles import WIDTH

ARCHIVED, HELD_LONGER = "evidence.archived", "evidence.archive_held_longer"
LARGEST = 256 * BLOCK
"""Entries in one archive."""
_log = logging.getLogger(__name__)
_ENTRIES = text(
    """
    SELECT place, log_leaf.evidence_id, body, ciphertext,
        substr(hashes, 1 + (place % :width)::integer * :size, :size) AS leaf
    FROM generate_series(CAST(:first AS bigint), CAST(:end AS bigint) - 1) AS place
    LEFT JOIN log_leaf ON leaf_index = place
    LEFT JOIN evidence ON evidence.id = log_leaf.evidence_id
    LEFT JOIN LATERAL (
        SELECT body, ciphertext FROM evidence_text
        WHERE evidence_text.recorded_at = evidence.recorded_at AND evidence_text.evidence_id = evidence.id OFFSET 0
    ) AS texts ON true
    LEFT JOIN log_tile ON level = 0 AND number = place / :width
    ORDER BY place
    """
)
_OLDER = text(
    "SELECT count(*) AS entries, coalesce(max(leaf_index) + 1, :end) AS until"
    " FROM log_leaf JOIN evidence ON evidence.id = log_leaf.evidence_id"
    " WHERE leaf_index >= :end AND recorded_at < :before"
)
_NEWEST = text(
    "SELECT max(recorded_at) FROM log_leaf JOIN evidence ON evidence.id = log_leaf.evidence_id"
    " WHERE leaf_index >= :first AND leaf_index < :end"
)


def due(session: Session, before: datetime) -> list[tuple[int, int]]:
    """The archives to make: first number and number after the last, of entries up to the last one before a moment."""
    end = session.scalar(select(func.max(LogArchive.end_index))) or 0
    until = session.execute(_OLDER, {"end": end, "before": before}).one().until
    return [(first, min(first + LARGEST, until)) for first in range(end, until, LARGEST)]


def archive_next(session: Session, place: Place, actor: Actor, origin: str, before: datetime) -> LogArchive | None:
    """Make the next archive that is due; the caller commits.

    Args:
        session: of the owner, in a transaction of its own.
        place: of the log in the object store; its ``years`` say how long archives are held.
        actor: who archives.
        origin: the log's name.
        before: entries recorded before this moment are to be archived.

    Returns:
        The archive; None when nothing more is due.

    Raises:
        Conflict: somebody else archives now, or the store does not hold what it is told to hold.
        Terminal: an entry's text is missing or not what was hashed into the log, or the store gave back other bytes.
        Transient: the store does not answer.
    """
    lock(session)
    ranges = due(session, before)
    if not ranges:
        return None
    require_locks(session, place)
    first, end = ranges[0]
    last = session.scalar(select(LogArchive).order_by(LogArchive.number.desc()).limit(1))
    header, data = _made(session, origin, last, first, end)
    now = system_now()
    newest = session.scalar(_NEWEST, {"first": first, "end": end}) or now  # none where all of them were lost
    until = max(newest, now) + _years(place.years)
    made = LogArchive(
        number=header.number,
        first_index=first,
        end_index=end,
        digest=header.digest,
        key=place.key(f"archive/{header.number:06d}"),
        header_bytes=len(packed(header.line() + b"\n")),
        bytes=len(data),
        archived_at=now,
        retain_until=until,
    )
    made.version = _stored(place, made.key, data, until)
    session.add(made)
    session.flush()
    told = {"number": made.number, "first": first, "end": end, "bytes": made.bytes, "previous": header.previous}
    until_day = f"{until:%Y-%m-%d}"
    append(session, ARCHIVED, f"evidence_archive/{made.digest}", actor, after={**told, "retain_until": until_day})
    _log.info("Entries %d to %d are archived as %s.", first, end - 1, made.key)
    return made


def hold_longer(session: Session, place: Place, actor: Actor) -> list[LogArchive]:
    """Hold those archives longer that were made when the retention was shorter; the caller commits.

    Raises:
        Conflict: somebody else works on archives now.
        Transient: the store refuses, or does not answer.
    """
    lock(session)
    held = []
    for row in session.scalars(select(LogArchive).where(LogArchive.expired_at.is_(None)).order_by(LogArchive.number)):
        if row.retain_until >= kept_until(row, place.years):
            continue
        row.retain_until = kept_until(row, place.years)
        place.locked.hold(row.key, row.version, row.retain_until)
        told = {"number": row.number, "retain_until": f"{row.retain_until:%Y-%m-%d}"}
        append(session, HELD_LONGER, f"evidence_archive/{row.digest}", actor, after=told)
        held.append(row)
    session.flush()
    return held


def kept_until(row: LogArchive, years: int) -> datetime:
    """Until when an archive is kept where the retention is so many years now: never for less than it was made for."""
    return max(row.retain_until, row.archived_at + _years(years))


def lock(session: Session) -> None:
    """Be the one who works on archives until the transaction ends.

    Raises:
        Conflict: somebody else does.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(ARCHIVE_LOCK))):
        raise Conflict("evidence.archiving", "Somebody else works on the archives now. Try again when that has ended.")


def require_locks(session: Session, place: Place) -> None:
    """The store holds what it is told to hold.

    Raises:
        Conflict: it does not.
        Transient: it does not answer.
    """
    if not try_lock(session, place):
        raise Conflict(
            "evidence.archive_not_locked",
            "The object store has no object lock in the bucket {bucket}, so archives could be deleted. Use a store that"
            " has it, or a bucket that was made with it (SHUNIU_LOCK_BUCKET). Nothing was moved.",
            bucket=place.locked.bucket,
        )


def _years(years: int) -> timedelta:
    return timedelta(days=DAYS_OF_A_YEAR * years)


def _made(session: Session, origin: str, last: LogArchive | None, first: int, end: int) -> tuple[Header, bytes]:
    blocks: list[Block] = []
    pieces: list[bytes] = []
    losses = declared_losses(session)
    for start in range(first, end, BLOCK):
        block, data = packed_block(list(_entries(session, losses, start, min(start + BLOCK, end))))
        blocks.append(block)
        pieces.append(data)
    covering = select(LogCheckpoint.note).where(LogCheckpoint.size >= end).order_by(LogCheckpoint.size).limit(1)
    number, previous = (last.number + 1, last.digest) if last else (0, "")
    header = Header(origin, number, previous, first, end, session.scalars(covering).one(), tuple(blocks))
    return header, packed(header.line() + b"\n") + b"".join(pieces)


def _entries(session: Session, losses: Collection[Loss], first: int, end: int) -> Iterator[Kept]:
    """Entries as they were hashed into the log, and the hashes of those that were declared lost.

    Raises:
        Terminal: one is not.
    """
    for index, identity, body, ciphertext, leaf in session.execute(
        _ENTRIES, {"first": first, "end": end, "width": WIDTH, "size": HASH_SIZE}
    ):
        if identity is None and leaf and any(loss.start <= index < loss.end for loss in losses):
            yield Kept(index, b"", None, leaf)
        elif body is None or not leaf or leaf_hash(body) != leaf:
            raise _wrong(index)
        else:
            yield Kept(index, body, ciphertext)


def _stored(place: Place, key: str, data: bytes, until: datetime) -> str:
    """Put an object under lock and read it back; its version."""
    version = place.locked.put_held(key, data, until)
    held = place.locked.retained_until(key, version)
    if place.locked.read(key, version) != data or held is None or held < until.replace(microsecond=0):
        raise Terminal(
            "evidence.archive_not_kept",
            "The object store did not give back the archive {key} as it was written, or does not hold it. Nothing was"
            " moved; see what is wrong with the store.",
            key=key,
        )
    return version


def _wrong(index: int) -> Terminal:
    return Terminal(
        "evidence.not_archivable",
        "Entry {index} is not as it was hashed into the log, so nothing is archived. Run `shuniu audit verify`.",
        index=index,
    )
