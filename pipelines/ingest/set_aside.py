"""Rows set aside: kept as they arrived, as text, with number and reasons, in Parquet files of the object store."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.objects import HashingSpool, ObjectStore
from schemas.row_checks import REASONS, ROW

TEXT = "_text"
MISFIT = "_row:COLUMNS"
GROUP_ROWS = 20_000
_REASONS_TYPE = pa.list_(pa.string())


def schema_of(fields: Sequence[str]) -> pa.Schema:
    """Columns of the file: the row's number in the load, reasons, the raw text of rows that are none, the fields."""
    texts = [pa.field(name, pa.string()) for name in fields]
    return pa.schema([pa.field(ROW, pa.int64()), pa.field(REASONS, _REASONS_TYPE), pa.field(TEXT, pa.string()), *texts])


class SetAside:
    """Collects rows on disk, then stores them under one key.

    Args:
        fields: field names of the data items.
        folder: where the file lies while it is written.

    Attributes:
        rows: how many were taken.
        reasons: how often each reason was given.
    """

    def __init__(self, fields: Sequence[str], folder: Path) -> None:
        self._schema = schema_of(fields)
        self._spool = HashingSpool(folder)
        self._writer = pq.ParquetWriter(
            pa.PythonFile(cast(Any, self._spool), mode="w"), self._schema, compression="zstd"
        )
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self.rows = 0
        self.reasons: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._spool.__exit__(kind, error, trace)

    def add(self, batch: pa.RecordBatch, added_to_row: int = 0) -> None:
        """Take rows that carry ``_row`` and ``_reasons``; fields they lack are null.

        Args:
            batch: the rows.
            added_to_row: what to add to their numbers.
        """
        if not batch.num_rows:
            return
        columns = [self._column(batch, field, added_to_row) for field in self._schema]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_rows >= GROUP_ROWS:
            self._write_out()
        for entry in pc.value_counts(pc.list_flatten(batch.column(REASONS))):
            name = entry["values"].as_py()
            self.reasons[name] = self.reasons.get(name, 0) + entry["counts"].as_py()

    def add_misfits(self, misfits: Sequence[tuple[int, str]]) -> None:
        """Take lines that are no rows of the table."""
        if misfits:
            numbers, texts = zip(*misfits, strict=True)
            reasons = pa.array([[MISFIT]] * len(misfits), _REASONS_TYPE)
            self.add(pa.record_batch([pa.array(numbers, pa.int64()), reasons, pa.array(texts)], [ROW, REASONS, TEXT]))

    def add_repeated(self, rows: pa.RecordBatch, numbers: pa.Array, reason: str) -> None:
        """Take good rows whose key came before."""
        reasons = pa.array([[reason]] * rows.num_rows, _REASONS_TYPE)
        self.add(rows.append_column(ROW, numbers).append_column(REASONS, reasons))

    def store(self, store: ObjectStore, key: str) -> str | None:
        """Store the file; None, and nothing is stored, when there is no row."""
        self._write_out()
        self._writer.close()
        if not self.rows:
            return None
        size = self._spool.bytes
        store.put(key, self._spool.rewind(), length=size, media_type="application/vnd.apache.parquet")
        return key

    def _write_out(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._waiting_rows = [], 0

    def _column(self, batch: pa.RecordBatch, field: pa.Field, added_to_row: int) -> pa.Array:
        place = batch.schema.get_field_index(field.name)
        if place < 0:
            return pa.nulls(batch.num_rows, field.type)
        column = batch.column(place)
        if field.name == ROW:
            return pc.add(column, added_to_row)
        return column if field.type == _REASONS_TYPE else as_text(column)


def as_text(column: pa.Array) -> pa.Array:
    """A column as text; what cannot be text (raw bytes) is null."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(column), pa.string())
