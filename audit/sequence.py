"""The sequencer: numbers committed entries without a gap, extends the tree, signs a checkpoint, all in one transaction.

Entries are taken by their state (a row in ``evidence_queue``), never by "id greater than the last": transactions commit
out of order. It runs under the database's sequencer role, which cannot write entries; the app role cannot number them.
"""

import logging
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from threading import Event

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Terminal, Transient
from adapters.settings import Settings
from audit.checkpoint import Checkpoint, open_checkpoint, sign_next
from audit.correction.declared import TOLERANCE, dated_back
from audit.keys import SigningKey
from audit.log_keys import log_keys, log_signer
from audit.merkle import consistency_proof
from audit.models import LOG_LOCK, LogCheckpoint, LogLeaf, LogTile
from audit.restoration.look import ask, note_down, stands_still
from audit.restoration.models import LogRestoration
from audit.stall.problem import clear, put_down
from audit.store.place import Place
from audit.tiles import Key, edge, extend, reader, tree_root
from audit.witness.standing import policy_in_use

BATCH = 2_000
IDLE_SECONDS = 0.2
PAUSE_SECONDS = 0.4
LONGEST_PAUSE = 5.0

_TAKE = text(
    """
    SELECT waiting.evidence_id, log_leaf.leaf_index, (
        SELECT sha256('\\x00'::bytea || body) FROM evidence_text
        WHERE evidence_text.recorded_at = evidence.recorded_at AND evidence_text.evidence_id = evidence.id
    ) AS leaf
    FROM (
        SELECT evidence_id FROM evidence_queue ORDER BY queued_at, evidence_id LIMIT :limit FOR UPDATE SKIP LOCKED
    ) AS waiting
    JOIN evidence ON evidence.id = waiting.evidence_id
    LEFT JOIN log_leaf ON log_leaf.evidence_id = waiting.evidence_id
    ORDER BY evidence.recorded_at, evidence.id
    """
)
_NUMBER = text(
    """
    INSERT INTO log_leaf (leaf_index, evidence_id)
    SELECT :first + place - 1, id FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS given (id, place)
    """
)
_STORE = text(
    """
    INSERT INTO log_tile (level, number, hashes)
    SELECT * FROM unnest(CAST(:levels AS integer[]), CAST(:numbers AS bigint[]), CAST(:hashes AS bytea[]))
    ON CONFLICT (level, number) DO UPDATE SET hashes = EXCLUDED.hashes
    """
)
_LEAVE = text("DELETE FROM evidence_queue WHERE evidence_id = ANY(CAST(:ids AS uuid[]))")

_log = logging.getLogger(__name__)


def sequence(session: Session, key: SigningKey, origin: str, limit: int = BATCH) -> int:
    """Move up to ``limit`` waiting entries into the log; the caller commits.

    Args:
        session: of the sequencer role, in a transaction of its own.
        key: signs the checkpoint.
        origin: the log's name.
        limit: entries in one batch.

    Returns:
        How many queue rows were dealt with; 0 when none waits, another sequencer is at work, or the log stands still
        because this database is an older one (``audit.restoration``).

    Raises:
        Terminal: what is stored does not continue the last checkpoint; nothing may be signed.
        Transient: the clock is behind the last checkpoint by more than a minute (``audit.correction``).
        InvalidInput: the last checkpoint is not signed by this key.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOG_LOCK))):
        return 0
    if stands_still(session):
        clear(session)
        return 0
    rows = session.execute(_TAKE, {"limit": limit}).all()
    fresh = [row for row in rows if row.leaf_index is None]
    if fresh:
        previous, signed_at = _last_checkpoint(session, key, origin)
        ids = [row.evidence_id for row in fresh]
        for row in fresh:
            if row.leaf is None:
                raise _inconsistent(f"the text of entry {row.evidence_id}, which waits to be numbered, is gone")
        _grow(session, key, previous, ids, [bytes(row.leaf) for row in fresh], signed_at)
    if rows:
        session.execute(_LEAVE, {"ids": [row.evidence_id for row in rows]})
    clear(session)
    return len(rows)


def run_forever(settings: Settings, stop: Event) -> None:
    """Sequence until ``stop`` is set. Errors are logged, written down for the log's state, and tried again; what has to
    be waited for is logged once.

    Raises:
        Misconfigured: the sequencer's address or the log's key is missing or wrong.
    """
    settings.require("sequencer_database_url")
    key = log_signer(settings)
    pause, looked, said = 0.0, False, ""
    while not stop.wait(pause):
        try:
            looked = looked or _look(settings)
            with transaction(settings.sequencer_database_url) as session:
                dealt_with = sequence(session, key, settings.log_origin)
        except Exception as error:  # the next try may succeed, and without a sequencer nothing is proved
            waits = isinstance(error, Transient)  # the clock, or the store before the first signature
            if not waits:
                _log.exception("Evidence could not be sequenced; trying again.")
            elif str(error) != said:
                _log.warning("%s", error)
            said = str(error)
            _write_down(settings, error)
            pause, looked = min(LONGEST_PAUSE, max(IDLE_SECONDS, pause * 2)), looked and waits
        else:
            said = ""
            pause = 0.0 if dealt_with >= BATCH else PAUSE_SECONDS if dealt_with else IDLE_SECONDS


def _write_down(settings: Settings, error: Exception) -> None:
    with suppress(SQLAlchemyError), transaction(settings.sequencer_database_url) as session:
        put_down(session, error)  # where the database is away, its service says so


def _look(settings: Settings) -> bool:
    """Find out whether this database is an older one, before the first signature and after every error but a
    clock that is behind.

    Raises:
        Transient: the object store does not answer; without its word nothing is signed.
    """
    place = Place.of(settings)
    with transaction(settings.sequencer_database_url) as session:
        seen = ask(session, place.read, log_keys(settings), policy_in_use())
        if note_down(session, seen):
            _log.error(
                "This database is older than the log that others have seen. Nothing is signed; see `shuniu status`."
            )
    return True


def _last_checkpoint(session: Session, key: SigningKey, origin: str) -> tuple[Checkpoint | None, datetime]:
    """The checkpoint to go on from, and the next one's moment; its leaves must be as many as the numbered entries."""
    last = session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))
    numbered = (session.scalar(select(func.max(LogLeaf.leaf_index + 1))) or 0, _lost_up_to(session))
    checkpoint = open_checkpoint(last.note, key.verifier, origin, key.second.verifier) if last else None
    size = checkpoint.size if checkpoint else 0
    if size != max(numbered):
        raise _inconsistent(f"{max(numbered)} entries are numbered, the last checkpoint is of {size} entries")
    return checkpoint, _moment(session, last)


def _moment(session: Session, last: LogCheckpoint | None) -> datetime:
    """When the next checkpoint is signed: not before the last one, unless two people declared that its clock ran ahead.

    Raises:
        Transient: the clock is behind the last one by more than what clocks are set by now and then.
    """
    now = system_now()
    if last is None or last.signed_at <= now:
        return now
    if last.signed_at - now <= TOLERANCE:
        return last.signed_at
    if dated_back(session, last):
        return now
    raise Transient(
        "evidence.clock_behind",
        "The clock is behind the last checkpoint, which was signed at {signed_at} UTC. Nothing is signed until it is"
        " past that. If it is wrong, set it right; if it is right and had run ahead, the system administrator"
        " and the audit administrator declare that with {command}.",
        signed_at=f"{last.signed_at:%Y-%m-%d %H:%M:%S}",
        command="`shuniu clock-corrected`",
    )


def _lost_up_to(session: Session) -> int:
    """Up to where numbers were declared lost when a backup was put back."""
    declared = LogRestoration.done_at.is_not(None)
    return session.scalar(select(func.max(LogRestoration.seen_size)).where(declared)) or 0


def _grow(
    session: Session,
    key: SigningKey,
    previous: Checkpoint | None,
    ids: Sequence[uuid.UUID],
    leaves: Sequence[bytes],
    signed_at: datetime,
) -> None:
    before = previous.size if previous else 0
    stored = edge_tiles(session, before)
    try:
        if previous and tree_root(before, lambda *place: stored.get(place, b"")) != previous.root:
            raise _inconsistent("the tiles do not give the last checkpoint's root")
        changed = extend(stored, before, leaves)
        tiles = {**stored, **changed}
        size = before + len(leaves)
        following = Checkpoint(key.verifier.name, size, tree_root(size, lambda *place: tiles.get(place, b"")))
        proof = consistency_proof(before, size, reader(lambda *place: tiles.get(place, b"")))
    except (ValueError, LookupError) as error:
        raise _inconsistent(str(error)) from error
    session.execute(_NUMBER, {"first": before, "ids": ids})
    store_tiles(session, changed)
    note = sign_next(key, previous, following, proof, int(signed_at.timestamp()))
    session.add(LogCheckpoint(size=size, root=following.root, note=str(note), signed_at=signed_at))
    session.flush()


def edge_tiles(session: Session, size: int) -> dict[Key, bytes]:
    """The stored tiles at the right edge of a tree of this size: what is needed to let it grow."""
    keys = edge(size)
    place = tuple_(LogTile.level, LogTile.number)
    rows = session.execute(select(LogTile.level, LogTile.number, LogTile.hashes).where(place.in_(keys)))
    return {(row.level, row.number): row.hashes for row in rows}


def store_tiles(session: Session, tiles: Mapping[Key, bytes]) -> None:
    """Write tiles, new ones and those that have grown."""
    levels, numbers = zip(*tiles, strict=True)
    session.execute(
        _STORE, {"levels": list(levels), "numbers": list(numbers), "hashes": [tiles[place] for place in tiles]}
    )


def _inconsistent(reason: str) -> Terminal:
    return Terminal(
        "evidence.log_inconsistent",
        "The evidence log was changed behind the sequencer: {reason}. Nothing is signed until it is mended; run"
        " `shuniu audit verify`.",
        reason=reason,
    )
