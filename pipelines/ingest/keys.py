"""Rows whose key came before: found while a partition is read, or over all files of a load, in bounded memory."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from pipelines.ingest.fixed_keys import FixedKeys, rows_of_keys

MOST_REMEMBERED = 2_000_000
DUPLICATE = "DUPLICATE"


def reason(fields: Sequence[str]) -> str:
    """The reason that a row with a repeated key is set aside for."""
    return f"{'+'.join(fields)}:{DUPLICATE}"


class KeyWatch:
    """Remembers the keys of a partition, up to a number.

    Args:
        fields: the key's columns; without any, no row is a repetition.
        most: how many keys are remembered.

    Attributes:
        fields: the key's columns.
        complete: whether every row so far was compared with all before it.
    """

    def __init__(self, fields: Sequence[str], most: int = MOST_REMEMBERED) -> None:
        self.fields = tuple(fields)
        self._most = most
        self._fixed: FixedKeys | None = None
        self._seen: set[Any] = set()
        self.complete = True

    def repeated(self, batch: pa.RecordBatch) -> list[int]:
        """Places of rows whose key was seen before, in this batch or an earlier one; the first one stays."""
        if not self.fields:
            return []
        if len(self._fixed or self._seen) >= self._most:
            self.complete = False
            return []
        if (again := self._repeated_fixed(batch)) is not None:
            return again
        return _repeated(keys_of(batch, self.fields), self._seen)

    def _repeated_fixed(self, batch: pa.RecordBatch) -> list[int] | None:
        """As ``repeated``, for one column of one width, which is far quicker; None once the keys were not so."""
        if len(self.fields) > 1 or self._seen:
            return None
        column = batch.column(self.fields[0])
        rows = rows_of_keys(column, self._fixed.width if self._fixed else None)
        if rows is not None:
            self._fixed = self._fixed or FixedKeys(rows.shape[1])
            return self._fixed.repeated(rows)
        if self._fixed is not None and len(column):
            self._seen.update(self._fixed.texts())
            self._fixed = None
        return None if len(column) else []


def repeated_rows(
    columns: Iterable[Iterable[pa.RecordBatch]], fields: Sequence[str], rows: int, most: int = MOST_REMEMBERED
) -> dict[int, list[int]]:
    """Places of repeated keys over many files, by the number of the file.

    Keys are dealt into as many groups as keep each in memory, and the files are read once per group.

    Args:
        columns: for each file, an iterable over its key columns that can be read again.
        fields: the key's columns.
        rows: about how many rows there are.
        most: how many keys are remembered at a time.
    """
    groups = rows // most + 1
    files = list(columns)
    found: dict[int, list[int]] = {}
    for group in range(groups):
        seen: set[Any] = set()
        for number, batches in enumerate(files):
            first = 0
            for batch in batches:
                keys = keys_of(batch, fields)
                own = [place for place, key in enumerate(keys) if groups == 1 or hash(key) % groups == group]
                again = _repeated([keys[place] for place in own], seen)
                found.setdefault(number, []).extend(first + own[place] for place in again)
                first += batch.num_rows
    return {number: sorted(places) for number, places in found.items() if places}


def keys_of(batch: pa.RecordBatch, fields: Sequence[str]) -> list[Any]:
    """The key of each row, as a value that can be compared and hashed."""
    columns = [batch.column(name).to_pylist() for name in fields]
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def _repeated(keys: Sequence[Any], seen: set[Any]) -> list[int]:
    """Places of keys that are in ``seen`` or came before in ``keys``; all keys are in ``seen`` afterwards."""
    known = list(map(seen.__contains__, keys))
    before, again = len(seen), known.count(True)
    seen.update(keys)
    if len(seen) - before + again == len(keys):  # none is twice in ``keys``
        return [place for place, is_known in enumerate(known) if is_known] if again else []
    fresh: set[Any] = set()
    places = []
    for place, key in enumerate(keys):
        if known[place] or key in fresh:
            places.append(place)
        fresh.add(key)
    return places
