"""Verification of the tree: recomputed from the entries' hashes, and compared with the stored tiles and checkpoints.

Where a stored leaf differs from its entry, the finding names the entry and the tree goes on with the stored leaf, so
that the checkpoints then tell whether the entry was changed or the tile.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.correction.declared import Dating
from audit.cosigned import moment_of, shown_moment
from audit.keys import VerifierKey
from audit.merkle import HASH_SIZE, Frontier
from audit.note import Note
from audit.report import Finding, Report, reason_of
from audit.tiles import HEIGHT, TILE_SIZE, WIDTH, path
from audit.verify_entry import entry_name, known, shown


@dataclass(frozen=True)
class StoredCheckpoint:
    """A row of ``log_checkpoint``, as it is stored; without a moment where it was kept elsewhere."""

    size: int
    root: bytes | None
    note: str | None
    signed_at: object = None


class TreeCheck:
    """The tree as the entries give it.

    Args:
        report: where findings go.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._levels: dict[int, bytearray] = {}
        self._frontier = Frontier(self._completed)
        self._lacking = -1
        self.whole = True

    @property
    def size(self) -> int:
        """Leaves so far."""
        return self._frontier.size

    def root(self) -> bytes:
        """Root over the leaves so far."""
        return self._frontier.root()

    def add(self, index: int, identity: str, leaf: bytes, tiles: Mapping[int, bytes]) -> None:
        """Add an entry's leaf.

        Args:
            index: the entry's number.
            identity: the entry's id.
            leaf: the hash of its text.
            tiles: stored tiles of level 0, by number.
        """
        stored = stored_leaf(index, tiles)
        if stored != leaf:
            self._report_leaf(index, identity, leaf, stored)
        if self.whole:
            self._frontier.append(stored or leaf)

    def fits(self, start: int, leaves: Sequence[bytes], tiles: Mapping[int, bytes]) -> bool:
        """Whether leaves from a number on are next in the tree, and all the same as the stored ones."""
        first, last = start // WIDTH, (start + len(leaves) - 1) // WIDTH
        stored = [tiles.get(number, b"") for number in range(first, last + 1)]
        begin = (start - first * WIDTH) * HASH_SIZE
        given = b"".join(leaves)
        in_place = all(len(tile) == TILE_SIZE for tile in stored[:-1]) and start == self.size
        return self.whole and in_place and b"".join(stored)[begin : begin + len(given)] == given

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaves that fit."""
        self._frontier.extend(leaves, every=HEIGHT)

    def skip(self, tiles: Mapping[int, bytes]) -> None:
        """Go on with the stored leaf of an entry that is missing; without it the tree ends here."""
        stored = stored_leaf(self.size, tiles)
        self.whole = self.whole and bool(stored)
        if self.whole:
            self._frontier.append(stored)

    def check_upper_tiles(self, stored: Iterable[tuple[int, int, bytes]]) -> None:
        """Compare stored tiles above level 0 with those of the tree.

        Args:
            stored: level, number and hashes, in order.
        """
        if not self.whole:
            return
        found = {(level, number): hashes for level, number, hashes in stored}
        for level, hashes in sorted(self._levels.items()):
            for start in range(0, len(hashes), TILE_SIZE):
                place = (level, start // TILE_SIZE)
                self._compare(place, bytes(hashes[start : start + TILE_SIZE]), found.pop(place, b""))
        for place in sorted(found):
            self._compare(place, b"", found[place])

    def check_last_tile(self, width: int) -> None:
        """Check that the last tile of level 0 ends where the tree ends.

        Args:
            width: bytes that all stored tiles of level 0 have together.
        """
        expected = self.size * HASH_SIZE
        if self.whole and width > expected:
            sentence = "The tiles hold leaves that no entry has."
            self._report.add(Finding("tile_differs", sentence, self.size, None, f"{expected} bytes", f"{width} bytes"))

    def _completed(self, height: int, node: bytes) -> None:
        if height and height % HEIGHT == 0:
            self._levels.setdefault(height // HEIGHT, bytearray()).extend(node)

    def _report_leaf(self, index: int, identity: str, leaf: bytes, stored: bytes) -> None:
        if stored:
            sentence = (
                f"{entry_name(index, identity)}: its text is not the one that was numbered and hashed into the tree."
            )
            self._report.add(Finding("entry_changed", sentence, index, known(identity), stored.hex(), leaf.hex()))
        elif index // WIDTH != self._lacking:
            self._lacking = index // WIDTH
            sentence = f"The tile {path(0, self._lacking)} ends before the leaf of entry {index}."
            self._report.add(Finding("tile_missing", sentence, index, known(identity), leaf.hex()))

    def _compare(self, place: tuple[int, int], expected: bytes, found: bytes) -> None:
        if expected != found:
            number = _first_difference(expected, found)
            hashes = slice(number * HASH_SIZE, (number + 1) * HASH_SIZE)
            sentence = f"The hash {number} of the tile {path(*place)} is not what the entries give."
            self._report.add(Finding("tile_differs", sentence, None, None, expected[hashes].hex(), found[hashes].hex()))


class CheckpointCheck:
    """Stored checkpoints, each against its signature and against the tree of its size.

    Every checkpoint's root is that of one and the same growing tree, so each is consistent with the one before.

    Args:
        key: the log's public key.
        origin: the log's name.
        report: where findings go.
        second: the log's ML-DSA-44 key; from its first signature on every checkpoint must have one.
    """

    def __init__(self, key: VerifierKey, origin: str, report: Report, second: VerifierKey | None = None) -> None:
        self._key = key
        self._second = second
        self._second_began = False
        self._origin = origin
        self._report = report
        self.last_size = 0
        self.taken_over: Collection[int] = ()
        """Sizes of checkpoints that came from elsewhere when a backup was put back, some time after their signature."""
        self.corrected: Collection[Dating] = ()
        """Checkpoints after which two people declared that moments go back, because the clock had run ahead."""
        self._before: Dating | None = None

    def check(self, stored: StoredCheckpoint, tree: TreeCheck) -> None:
        """Check one checkpoint when the tree has its size, or has ended before it; whatever brings that down is a
        finding, and the others go on."""
        self._report.checkpoints += 1
        self.last_size = max(self.last_size, stored.size)
        try:
            self._check(stored, tree)
        except Exception as error:  # what is stored may be falsified in ways that nobody thought of
            self._add("verification_failed", stored, f"it could not be verified to the end: {reason_of(error)}")

    def _check(self, stored: StoredCheckpoint, tree: TreeCheck) -> None:
        signed = self._signed(stored)
        if signed is None:
            return
        if (signed.size, signed.root) != (stored.size, stored.root):
            expected, found = f"{signed.size}, {signed.root.hex()}", f"{stored.size}, {shown(stored.root)}"
            self._add("checkpoint_differs", stored, "its columns are not what was signed", expected, found)
        elif tree.size < signed.size or not tree.whole:
            what = "the log has not the entries for it"
            self._add("checkpoint_unproved", stored, what, f"{signed.size} entries", f"{tree.size} entries")
        elif tree.root() != signed.root:
            what = "its root is not that of the log: what came before it was changed, added or taken away"
            self._add("checkpoint_contradicted", stored, what, signed.root.hex(), tree.root().hex())

    def _signed(self, stored: StoredCheckpoint) -> Checkpoint | None:
        note = stored.note or ""
        try:
            signed = open_checkpoint(note, self._key, self._origin, self._second)
        except InvalidInput as error:
            self._add("checkpoint_not_signed", stored, str(error).removesuffix("."))
            return None
        lines = Note.parse(note).lines_of(self._second) if self._second else ()
        both = bool(lines)
        moment = moment_of(lines[0].value) if both else 0
        self._check_moment(stored, moment)
        if isinstance(stored.signed_at, datetime):
            self._check_order(stored, moment or int(stored.signed_at.timestamp()))
        if self._second_began and not both:
            self._add("checkpoint_signed_once", stored, "its ML-DSA-44 signature is missing; earlier ones have it")
        self._second_began = self._second_began or both
        self._report.signed_twice += both
        return signed

    def _check_order(self, stored: StoredCheckpoint, moment: int) -> None:
        """No checkpoint is dated before the one that it continues, but where its clock was declared to run ahead.

        Nor is one taken over that is: what lay between, the entry that declares the clock too, was declared lost.
        """
        before, self._before = self._before, (stored.size, moment)
        if stored.size in self.taken_over:
            return
        if before and before[0] < stored.size and moment < before[1] and before not in self.corrected:
            what = f"it is dated before that of {before[0]} entries, and nobody declared that the clock was wrong"
            earlier, found = (shown_moment(each) for each in (before[1], moment))
            self._add("checkpoint_dated_back", stored, what, earlier.isoformat(), found.isoformat())

    def _check_moment(self, stored: StoredCheckpoint, moment: int) -> None:
        """The moment of a row is that of its signature, in whole seconds; 0 in a signature states none."""
        if not isinstance(stored.signed_at, datetime):
            what = "the moment of its row is none"
            self._add("checkpoint_misdated", stored, what, "a moment", shown(stored.signed_at))
            return
        row = int(stored.signed_at.timestamp())
        if moment and row != moment and not (row > moment and stored.size in self.taken_over):
            what = "it was not signed at the moment that its row says"
            expected = shown_moment(moment).isoformat()
            self._add("checkpoint_misdated", stored, what, expected, stored.signed_at.isoformat())

    def _add(self, code: str, stored: StoredCheckpoint, what: str, expected: str = "", found: str = "") -> None:
        sentence = f"The checkpoint of {stored.size} entries: {what}."
        self._report.add(Finding(code, sentence, None, None, expected, found))


def stored_leaf(index: int, tiles: Mapping[int, bytes]) -> bytes:
    """The leaf hash that the stored tiles have at a number; empty where they have none."""
    offset = index % WIDTH * HASH_SIZE
    stored = tiles.get(index // WIDTH, b"")[offset : offset + HASH_SIZE]
    return stored if len(stored) == HASH_SIZE else b""


def _first_difference(expected: bytes, found: bytes) -> int:
    """Number of the first hash that differs between two tiles."""
    number = 0
    while expected[: (number + 1) * HASH_SIZE] == found[: (number + 1) * HASH_SIZE]:
        number += 1
    return number
