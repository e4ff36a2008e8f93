"""Comparison of the log in the database with what lies in the object store: a code path apart from the publisher's.

The publisher stands still meanwhile, so that what is read belongs together. What the store holds of an earlier state is
right as long as the database continues it.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from hashlib import sha256

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, NotFound, Transient
from adapters.object_lock import Version
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.keys import VerifierKey
from audit.merkle import HASH_SIZE
from audit.models import LogCheckpoint, LogTile
from audit.note import Note
from audit.report import Finding, Report
from audit.restoration.declared import Loss, declared_losses
from audit.store.models import ONE, PUBLISH_LOCK, KeptCheckpoint, LogStore
from audit.store.place import CHECKPOINT, COSIGNED, Place
from audit.tiles import WIDTH, edge, named, path, shape, tree_root

TILES = "tile/"
LOCKED = ("kept/", "stamps/", "archive/")
"""What lies under object lock; a site may have one bucket for it and for what is published."""
AT_ONCE = 256
Tile = tuple[int, int, int]
"""Level, number, width."""


def verify_store(
    session: Session, place: Place, key: VerifierKey, report: Report, second: VerifierKey | None = None
) -> None:
    """Compare, and add what differs to the report.

    Args:
        session: sees what is committed now (READ COMMITTED); may read the log.
        place: where the log is published.
        key: of the log.
        report: where findings go, and in ``stored`` how many objects were the same.
        second: the log's ML-DSA-44 key; None passes over those signatures.
    """
    session.execute(select(func.pg_advisory_xact_lock_shared(PUBLISH_LOCK)))
    comparison = _Comparison(session, place, (key, second), report)
    try:
        comparison.newest()
        comparison.tiles()
        comparison.kept()
    except Transient as error:
        sentence = f"The object store is away, so the log was not compared with it to its end: {error}"
        report.add(Finding("store_away", sentence))
    report.stored = comparison.same


class _Comparison:
    def __init__(
        self, session: Session, place: Place, keys: tuple[VerifierKey, VerifierKey | None], report: Report
    ) -> None:
        self._session = session
        self._place = place
        self._key, self._second = keys
        self._report = report
        row = session.get(LogStore, ONE)
        self._published, self._failing = (row.size, bool(row.problem)) if row else (0, False)
        self._size = self._newest = self._published
        self.same = 0
        self._database = session.scalar(select(func.max(LogCheckpoint.size))) or 0

    def newest(self) -> None:
        """The newest checkpoint: signed, as large as what was published, and one that the database continues."""
        note = self._place.read(CHECKPOINT)
        if note is None:
            if self._published:
                sentence = "The object store has no newest checkpoint any more."
                self._add("store_checkpoint_missing", sentence, f"{self._published} entries")
            return
        found = self._opened(note, "The newest checkpoint in the object store")
        if found is None:
            return
        self._newest = found.size
        cosigned = self._place.read(COSIGNED)
        if cosigned is not None:
            self._opened(cosigned, "The cosigned checkpoint in the object store")
        if found.size < self._published:
            sentence = "The newest checkpoint in the object store is an old one: it was rolled back."
            self._add("store_rolled_back", sentence, f"{self._published} entries", f"{found.size} entries")
        else:
            self._size = min(found.size, self._database)

    def tiles(self) -> None:
        """Every tile that the store should have and every one that it has, byte for byte, in their order."""
        wanted = set(_tiles_of(self._size))
        there, strange = self._listed()
        places = sorted(wanted | there)
        for start in range(0, len(places), AT_ONCE):
            group = places[start : start + AT_ONCE]
            stored = self._in_database(group)
            for level, number, wide in group:
                name = path(level, number, wide)
                expected = stored.get((level, number), b"")[: wide * HASH_SIZE]
                self._tile(name, expected, self._place.read(name))
        for name in strange:
            self._add("store_object_unknown", f"The object store holds {name}, which is not of the log.")

    def kept(self) -> None:
        """The hourly checkpoints: each version is of this log; what was kept is there as it was, held, not hidden."""
        rows = {row.key: row for row in self._session.scalars(select(KeptCheckpoint).order_by(KeptCheckpoint.hour))}
        largest, there = 0, dict[str, list[Version]]()
        with suppress(NotFound):  # no bucket yet, or no more: what should be in it is missed below
            for version in self._place.locked.versions(self._place.key("kept/")):
                there.setdefault(version.key, []).append(version)
        for key in sorted(rows.keys() | there.keys()):
            largest = max(largest, self._hour(key, rows.get(key), there.get(key, [])))
        if largest > max(self._newest, self._published) and not self._failing:
            sentence = "The newest checkpoint in the object store is older than one that was kept: it was rolled back."
            self._add("store_rolled_back", sentence, f"{largest} entries", f"{self._newest} entries")

    def _listed(self) -> tuple[set[Tile], list[str]]:
        there, strange = set[Tile](), list[str]()
        names = list[str]()
        with suppress(NotFound):
            names.extend(self._place.names())
        for name in names:
            tile = named(name.removeprefix(TILES)) if name.startswith(TILES) else None
            if tile:
                there.add(tile)
            elif name not in {CHECKPOINT, COSIGNED, "trial"} and not name.startswith(LOCKED):
                strange.append(name)
        return there, strange

    def _in_database(self, tiles: Iterable[Tile]) -> dict[tuple[int, int], bytes]:
        places = {(level, number) for level, number, _ in tiles}
        where = tuple_(LogTile.level, LogTile.number).in_(places)
        rows = self._session.execute(select(LogTile.level, LogTile.number, LogTile.hashes).where(where))
        return {(row.level, row.number): row.hashes for row in rows}

    def _tile(self, name: str, expected: bytes, found: bytes | None) -> None:
        if found is None:
            self._add("store_tile_missing", f"The object store has no {name}.", f"{len(expected)} bytes")
        elif found != expected:
            number = next(n for n in range(WIDTH + 1) if _hash(expected, n) != _hash(found, n))
            sentence = f"The hash {number} of {name} in the object store is not the database's."
            self._add("store_tile_differs", sentence, _hash(expected, number).hex(), _hash(found, number).hex())
        else:
            self.same += 1

    def _hour(self, key: str, row: KeptCheckpoint | None, versions: list[Version]) -> int:
        """Check what is kept of an hour; the largest size that a version of it states."""
        largest = 0
        for version in versions:
            if version.is_delete_marker:
                continue
            name = f"The kept checkpoint {key} (version {version.version or 'without number'})"
            data = self._place.locked.read(key, version.version)
            found = self._opened(data, name)
            if found:
                largest = max(largest, found.size)
                self._is_the_kept_one(row, version, found, data)
        if row:
            self._held(row, {version.version: version for version in versions if not version.is_delete_marker})
        return largest

    def _is_the_kept_one(self, row: KeptCheckpoint | None, version: Version, found: Checkpoint, data: bytes) -> None:
        """Byte for byte, for witnesses' lines can be taken off and the log's own signatures stay right."""
        if row is None or version.version != row.version:
            return
        digest = sha256(data).digest()
        if found.size != row.size or row.digest not in {None, digest}:
            sentence = f"The kept checkpoint {row.key} is another one than was kept."
            kept = f"{row.size} entries, SHA-256 {(row.digest or b'').hex() or 'not recorded'}"
            self._add("store_kept_differs", sentence, kept, f"{found.size} entries, SHA-256 {digest.hex()}")

    def _held(self, row: KeptCheckpoint, versions: dict[str, Version]) -> None:
        own = versions.get(row.version)
        if own is None:
            self._add("store_kept_missing", f"The kept checkpoint {row.key} is gone.", f"{row.size} entries")
            return
        if not own.is_latest:
            sentence = f"The kept checkpoint {row.key} is still held, and hidden behind a later version or a deletion."
            self._add("store_kept_hidden", sentence, row.version)
        if row.retain_until is None:
            return
        until = self._place.locked.retained_until(row.key, row.version)
        due = row.retain_until.replace(microsecond=0)
        if until is None or until < due:
            sentence = f"The kept checkpoint {row.key} can be deleted before its time."
            self._add("store_kept_not_locked", sentence, due.isoformat(), until.isoformat() if until else "")

    def _opened(self, note: bytes, name: str) -> Checkpoint | None:
        """A checkpoint of this log that the database continues; None when it is not, which is reported."""
        try:
            found = open_checkpoint(note.decode(), self._key, self._key.name, self._second)
        except (InvalidInput, UnicodeDecodeError) as error:
            self._add("store_checkpoint_not_signed", f"{name} is not one of this log: {error}")
            return None
        own = self._session.get(LogCheckpoint, found.size)
        if (own is not None and own.root == found.root) or (own is None and self._is_of_the_lost(found)):
            if own is not None and self._signed_twice(own.note) and not self._signed_twice(note.decode()):
                sentence = f"{name} lacks its ML-DSA-44 signature; the database has it."
                self._add("store_checkpoint_signed_once", sentence, f"{found.size} entries")
            self.same += 1
            return found
        states = f"{found.size} entries, root {found.root.hex()}"
        if found.size > self._database:
            sentence = f"{name} is of more entries than the database has: the database was rolled back."
            self._add("store_ahead", sentence, states, f"{self._database} entries")
        else:
            sentence = f"{name} is signed, and the database has no such checkpoint: the log was rewritten."
            self._add("store_contradicted", sentence, states, f"root {own.root.hex()}" if own else "")
        return found

    def _signed_twice(self, note: str) -> bool:
        return self._second is not None and bool(Note.parse(note).lines_of(self._second))

    @cached_property
    def _losses(self) -> tuple[Loss, ...]:
        return declared_losses(self._session)

    def _is_of_the_lost(self, found: Checkpoint) -> bool:
        """Whether it is one of those that were lost when a backup was put back, and the tree of its size still is."""
        if not any(loss.start < found.size <= loss.end for loss in self._losses):
            return False
        tiles = self._in_database((level, number, 0) for level, number in edge(found.size))
        try:
            return tree_root(found.size, lambda *place: tiles.get(place, b"")) == found.root
        except LookupError:
            return False

    def _add(self, code: str, sentence: str, expected: str = "", found: str = "") -> None:
        self._report.add(Finding(code, sentence, None, None, expected, found))


def _tiles_of(size: int) -> Iterator[Tile]:
    """Tiles of a tree, full ones and those at its edge."""
    for level, hashes in shape(size):
        yield from ((level, number, WIDTH) for number in range(hashes // WIDTH))
        if hashes % WIDTH:
            yield level, hashes // WIDTH, hashes % WIDTH


def _hash(tile: bytes, number: int) -> bytes:
    return tile[number * HASH_SIZE : (number + 1) * HASH_SIZE]
