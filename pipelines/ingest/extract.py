"""Extract one partition: read, check, set bad rows aside, write files below the table's location.

Reading, checking, writing and storing run side by side, each with a piece or two in hand, so that memory stays bounded.
Nothing here becomes a table's content: ``commit`` does that with the files that are named in the result.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.connectors.base import Connector, Partition
from adapters.errors import Terminal
from adapters.lake import Lake
from adapters.objects import ObjectStore
from adapters.parquet import Part, PartWriter
from pipelines.ahead import ahead
from pipelines.digest import RowDigest
from pipelines.ingest.keys import KeyWatch, reason
from pipelines.ingest.set_aside import SetAside
from schemas.arrow_types import arrow_schema
from schemas.row_checks import CheckedBatch, MissingColumns, check_batch, without

Items = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class LoadedFile:
    """A file of a load: what the table has to know of it, and the digest of its rows."""

    part: Part
    digest: str

    def as_json(self) -> dict[str, Any]:
        """As it is kept in a work row."""
        return {"part": self.part.as_json(), "digest": self.digest}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Back from ``as_json``."""
        return cls(Part.from_json(body["part"]), body["digest"])


@dataclass(frozen=True)
class Extracted:
    """What a partition gave: ``rows_read`` = good rows in ``files`` + ``rows_set_aside``.

    Attributes:
        set_aside_key: object key of the rows set aside, None when there are none.
        reasons: how often each reason set a value aside.
        flagged: how often each remark was made on rows that stay.
        keys_compared: whether each row's key was compared with all earlier ones of the partition.
    """

    files: tuple[LoadedFile, ...]
    rows_source: int
    rows_read: int
    rows_set_aside: int
    set_aside_key: str | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    flagged: Mapping[str, int] = field(default_factory=dict)
    keys_compared: bool = True

    def as_json(self) -> dict[str, Any]:
        """As it is kept in a work row."""
        return asdict(self) | {"files": [file.as_json() for file in self.files]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Back from ``as_json``."""
        return cls(**{**body, "files": tuple(LoadedFile.from_json(file) for file in body["files"])})


@dataclass(frozen=True)
class Target:
    """Where a partition's rows go.

    Attributes:
        prefix: path below the table's location that the names of its files begin with, one per attempt.
        set_aside_key: object key for rows set aside.
        scratch: folder for temporary files.
    """

    lake: Lake
    store: ObjectStore
    location: str
    prefix: str
    set_aside_key: str
    scratch: Path


def extract(
    connector: Connector, partition: Partition, items: Items, lists: Mapping[str, Collection[str]], target: Target
) -> Extracted:
    """Move one partition into files.

    Args:
        connector: of the source.
        partition: which rows.
        items: data items as ``schemas.row_checks.check_batch`` takes them, with ``is_key``.
        lists: codes of code lists that did not come with the release.
        target: where to.

    Raises:
        Transient: the source or the store broke off; nothing but stray files is left.
        Terminal: the source is not what its configuration says, or its own count is another than what was read.
    """
    names = [item["field_name"] for item in items]
    keys = KeyWatch([item["field_name"] for item in items if item.get("is_key")])
    with SetAside(names, target.scratch) as aside, connector.read(partition, names) as reading:
        checking = Checking(items, lists, keys, aside)
        with (
            closing(ahead(reading.batches())) as raw,
            closing(ahead(checking.good(raw))) as good,
            closing(ahead(_written(good, arrow_schema(items), target.prefix), depth=1)) as written,
        ):
            files = [_stored(each, target) for each in written]
        aside.add_misfits(reading.misfits)
        rows_read = checking.rows + len(reading.misfits)
        _reconcile(reading.rows, rows_read, sum(file.part.rows for file in files) + aside.rows)
        return Extracted(
            files=tuple(files),
            rows_source=reading.rows,
            rows_read=rows_read,
            rows_set_aside=aside.rows,
            set_aside_key=aside.store(target.store, target.set_aside_key),
            reasons=aside.reasons,
            flagged=checking.flagged,
            keys_compared=keys.complete,
        )


class Checking:
    """Divides batches; good rows go on, the others are set aside.

    Args:
        items: data items.
        lists: codes of code lists that did not come with the release.
        keys: remembers the keys.
        aside: takes the rows set aside.

    Attributes:
        rows: how many were divided.
        flagged: how often each remark was made on rows that stay.
    """

    def __init__(self, items: Items, lists: Mapping[str, Collection[str]], keys: KeyWatch, aside: SetAside) -> None:
        self._items, self._lists, self._keys, self._aside = items, lists, keys, aside
        self._reason = reason([item["field_name"] for item in items if item.get("is_key")])
        self.rows = 0
        self.flagged: dict[str, int] = {}

    def good(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The good rows of each batch, in order.

        Raises:
            Terminal: a batch lacks a column.
        """
        for batch in batches:
            try:
                checked = check_batch(batch, self._items, code_lists=self._lists, first_row=self.rows)
            except MissingColumns as error:
                raise Terminal("source.missing_columns", "{reason}", reason=str(error)) from error
            self._aside.add(checked.bad)
            self._note_flagged(checked)
            yield self._kept(checked)
            self.rows += batch.num_rows

    def _kept(self, checked: CheckedBatch) -> pa.RecordBatch:
        """The good rows without those whose key came before: left out together, so that the rest is copied once."""
        keys = without(checked.typed.select(self._keys.fields), checked.refused)
        repeated = self._keys.repeated(keys)
        if not repeated:
            return checked.good
        places = np.delete(np.arange(checked.typed.num_rows), checked.refused)[repeated]
        numbers = pa.array(places + self.rows)
        self._aside.add_repeated(checked.typed.take(pa.array(places)), numbers, self._reason)
        return without(checked.typed, sorted([*checked.refused, *places.tolist()]))

    def _note_flagged(self, checked: CheckedBatch) -> None:
        if checked.flagged.num_rows:
            for entry in pc.value_counts(pc.list_flatten(checked.flagged.column("_reasons"))):
                name = entry["values"].as_py()
                self.flagged[name] = self.flagged.get(name, 0) + entry["counts"].as_py()


@dataclass(frozen=True)
class _Written:
    """A file that is not stored yet."""

    content: pa.Buffer
    file: LoadedFile


def _stored(written: _Written, target: Target) -> LoadedFile:
    target.lake.store(target.location, written.content, written.file.part)
    return written.file


def _written(batches: Iterator[pa.RecordBatch], schema: pa.Schema, prefix: str) -> Iterator[_Written]:
    """Write batches into files of limited size, named in load order."""
    number, writer = 0, None
    for batch in batches:
        if not batch.num_rows:
            continue
        if writer is None:
            writer, digest = PartWriter(schema), RowDigest(schema)
        writer.write(batch)
        digest.update(batch)
        if writer.is_full:
            yield _ended(writer, digest, prefix, number)
            number, writer = number + 1, None
    if writer is not None:
        yield _ended(writer, digest, prefix, number)


def _ended(writer: PartWriter, digest: RowDigest, prefix: str, number: int) -> _Written:
    content, part = writer.close(f"{prefix}-{number:05}.parquet")
    return _Written(content, LoadedFile(part, digest.hexdigest()))


def _reconcile(source: int, read: int, accounted: int) -> None:
    if not source == read == accounted:
        raise Terminal(
            "ingest.counts_differ",
            "The source counts {source} rows, {read} were read and {accounted} accounted for. Nothing was loaded. "
            "Check the source and load it again.",
            source=source,
            read=read,
            accounted=accounted,
        )
