"""The keys of a partition where all have one width: compared whole, many at a time, in a table of their places."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.fixed_width import Rows, rows_of

WIDEST = 64
_WORD = 8
_MIXING = np.uint64(0x9E3779B97F4A7C15)
_FIRST = 65_536

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]


class FixedKeys:
    """Keys of one width in the order they came, found through a table with open addressing.

    Args:
        width: bytes of every key.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._keys: Words = np.zeros((_FIRST, -(-width // _WORD)), np.uint64)
        self._slots = np.full(2 * _FIRST, -1, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def texts(self) -> list[str]:
        """All keys, as text."""
        whole = self._keys[: self._count].view(np.uint8)[:, : self.width]
        return [bytes(row).decode() for row in whole]

    def repeated(self, rows: Rows) -> list[int]:
        """Places of rows whose key was seen before, in these rows or earlier; all of them are seen afterwards."""
        words = _words(rows)
        self._make_room(len(rows))
        numbers = np.arange(self._count, self._count + len(rows), dtype=np.int32)
        self._keys[self._count : self._count + len(rows)] = words
        self._count += len(rows)
        return sorted(self._put(numbers).tolist())

    def _make_room(self, more: int) -> None:
        needed = self._count + more
        if needed > len(self._keys):
            grown = np.zeros((max(needed, 2 * len(self._keys)), self._keys.shape[1]), np.uint64)
            grown[: self._count] = self._keys[: self._count]
            self._keys = grown
        if 2 * needed > len(self._slots):
            self._slots = np.full(1 << (4 * needed - 1).bit_length(), -1, np.int32)
            self._put(np.arange(self._count, dtype=np.int32))

    def _put(self, numbers: npt.NDArray[np.int32]) -> Places:
        """Enter keys by their numbers; the places among ``numbers`` of those that stood in the table already."""
        mask = len(self._slots) - 1
        waiting = np.arange(len(numbers))
        slots = (_mixed(self._keys[numbers]) & np.uint64(mask)).astype(np.int64)
        again = []
        while len(waiting):
            free = np.flatnonzero(self._slots[slots] < 0)[::-1]
            self._slots[slots[free]] = numbers[waiting[free]]  # of several that want one slot the first row is last
            taken = np.flatnonzero(self._slots[slots] != numbers[waiting])
            waiting, slots = waiting[taken], slots[taken]
            same = self._equal(self._slots[slots], numbers[waiting])
            again.append(waiting[same])
            waiting, slots = waiting[~same], (slots[~same] + 1) & mask
        return np.concatenate(again) if again else np.zeros(0, np.int64)

    def _equal(self, some: npt.NDArray[np.int32], others: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        equal = np.ones(len(some), np.bool_)
        for word in self._keys.T:
            equal &= word[some] == word[others]
        return equal


def rows_of_keys(column: pa.Array, width: int | None = None) -> Rows | None:
    """A key column as rows of bytes, if it is text of one width: the given one, or that of its first value."""
    if width is None:
        if not len(column) or not pa.types.is_string(column.type):
            return None
        first = column[0].as_py()
        width = len(first.encode()) if first is not None else 0
    return rows_of(column, width) if 0 < width <= WIDEST else None


def _words(rows: Rows) -> Words:
    padded = np.zeros((len(rows), -(-rows.shape[1] // _WORD) * _WORD), np.uint8)
    padded[:, : rows.shape[1]] = rows
    return padded.view(np.uint64)


def _mixed(words: Words) -> npt.NDArray[np.uint64]:
    mixed = np.zeros(len(words), np.uint64)
    for place in range(words.shape[1]):
        mixed = (mixed ^ words[:, place]) * _MIXING
        mixed ^= mixed >> np.uint64(29)
    return mixed
