"""Parquet files of the lake: one file is built in memory, of limited size, and tells Delta what it holds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 65_536
BATCH_ROWS = 16_384
"""Values encoded at a time; with pages of version 2 the writer takes a sixth less of the processor than usually."""

FILE_ROWS = 1_000_000
LOOKED_AT_ROWS = 4_096
FILE_BYTES = 16 * 1024 * 1024
"""A file is stored while the next is written; small enough that little is left to store at the end."""


@dataclass(frozen=True)
class Part:
    """A Parquet file that lies below a table's location.

    Attributes:
        path: relative to the location.
        bytes: its size.
        rows: how many rows it holds.
        stats: Delta statistics as JSON text: row count; smallest, greatest and missing values per column.
    """

    path: str
    bytes: int
    rows: int
    stats: str

    def as_json(self) -> dict[str, Any]:
        """As it is kept in a work row."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Back from ``as_json``."""
        return cls(**body)


class PartWriter:
    """Writes batches of one schema into one Parquet file in memory.

    Args:
        schema: of every batch.

    Attributes:
        rows: how many were written.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._sink = pa.BufferOutputStream()
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add a batch; its rows keep their order. Batches are gathered into row groups."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_rows >= ROW_GROUP_ROWS:
            self._write_out()

    def _write_out(self) -> pq.ParquetWriter:
        writer = self._writer = self._writer or pq.ParquetWriter(
            self._sink,
            self._schema,
            compression="zstd",
            compression_level=1,
            data_page_version="2.0",
            write_batch_size=BATCH_ROWS,
            use_dictionary=_with_few_values(self._waiting[0]) if self._waiting else False,
        )
        if self._waiting_rows:
            writer.write_table(pa.Table.from_batches(self._waiting, self._schema), ROW_GROUP_ROWS)
        self._waiting, self._waiting_rows = [], 0
        return writer

    @property
    def is_full(self) -> bool:
        """Whether the file is as big as one should be."""
        return self.rows >= FILE_ROWS or int(self._sink.tell()) >= FILE_BYTES

    def close(self, path: str) -> tuple[pa.Buffer, Part]:
        """End the file.

        Args:
            path: what it will be called below its table's location.

        Returns:
            its content, and what the table has to know of it.
        """
        self._write_out().close()
        content = self._sink.getvalue()
        return content, Part(path, content.size, self.rows, _stats(pq.read_metadata(pa.BufferReader(content))))


def _with_few_values(batch: pa.RecordBatch) -> list[str] | bool:
    """Columns that are quicker and shorter as a dictionary: the same values again and again."""
    looked_at = batch.slice(0, LOOKED_AT_ROWS)
    few = len(looked_at) // 8
    return [
        name for name, column in zip(batch.schema.names, looked_at, strict=True) if _distinct(column) < few
    ] or False


def _distinct(column: pa.Array) -> int:
    return int(pc.count_distinct(column, mode="all").as_py())


def _stats(metadata: pq.FileMetaData) -> str:
    """Delta statistics out of a Parquet footer; a column without any value has neither smallest nor greatest."""
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    missing: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            name, found = column.path_in_schema, column.statistics
            if found is None:
                continue
            missing[name] = missing.get(name, 0) + (found.null_count or 0)
            if found.has_min_max:
                least[name] = min(least.get(name, found.min), found.min)
                most[name] = max(most.get(name, found.max), found.max)
    body = {
        "numRecords": metadata.num_rows,
        "minValues": {name: _plain(value) for name, value in least.items()},
        "maxValues": {name: _plain(value) for name, value in most.items()},
        "nullCount": missing,
    }
    return orjson.dumps(body).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
