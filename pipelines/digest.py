"""A digest over rows that does not depend on how they are cut into batches.

Per column three SHA-256 run over all rows: over the values' bytes, over their lengths, over the numbers of rows without
a value. The digest of a file is the SHA-256 of its columns' digests in order; that of a dataset version, of its files'.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc


class RowDigest:
    """Takes batches in row order.

    Args:
        schema: of every batch.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._columns = [_ColumnDigest(field) for field in schema]
        self._rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        for column, digest in zip(batch.columns, self._columns, strict=True):
            digest.update(column, self._rows)
        self._rows += batch.num_rows

    def hexdigest(self) -> str:
        """The digest of all rows so far, hex."""
        whole = hashlib.sha256(self._rows.to_bytes(8, "little"))
        for column in self._columns:
            whole.update(column.digest())
        return whole.hexdigest()


class _ColumnDigest:
    def __init__(self, field: pa.Field) -> None:
        self._kind = field.type
        self._stored = pa.int64() if pa.types.is_timestamp(field.type) else pa.int32()
        self._is_text = bool(pa.types.is_string(field.type) or pa.types.is_binary(field.type))
        self._values = hashlib.sha256(f"{field.name}\x00{field.type}".encode())
        self._lengths = hashlib.sha256()
        self._nulls = hashlib.sha256()

    def update(self, column: pa.Array, first_row: int) -> None:
        if pa.types.is_temporal(self._kind):
            column = column.view(self._stored)
        if column.null_count:
            places = pc.add(pc.indices_nonzero(column.is_null()).cast(pa.int64()), first_row)
            self._nulls.update(_fixed(places, 8))
            column = pc.fill_null(column, _zero(column.type))
        if self._is_text:
            self._lengths.update(_fixed(pc.binary_length(column), 4))
            self._values.update(_text(column))
        elif pa.types.is_boolean(self._kind):
            self._values.update(_fixed(column.cast(pa.int8()), 1))
        else:
            self._values.update(_fixed(column, self._kind.bit_width // 8))

    def digest(self) -> bytes:
        return self._values.digest() + self._lengths.digest() + self._nulls.digest()


def of_files(digests: Iterable[str]) -> str:
    """The digest of a dataset version from its files' digests in load order, hex."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _fixed(column: pa.Array, width: int) -> memoryview:
    data = column.buffers()[1]
    return memoryview(b"" if data is None else data)[column.offset * width : (column.offset + len(column)) * width]


def _text(column: pa.Array) -> memoryview:
    """The values of a text column without nulls, end to end."""
    _, offsets, data = column.buffers()
    if offsets is None or data is None or not len(column):
        return memoryview(b"")
    places = memoryview(offsets).cast("B").cast("i")
    return memoryview(data)[places[column.offset] : places[column.offset + len(column)]]


def _zero(kind: pa.DataType) -> pa.Scalar:
    if pa.types.is_decimal(kind):
        return pa.scalar(Decimal(0), kind)
    return pa.scalar(b"" if pa.types.is_binary(kind) or pa.types.is_string(kind) else 0).cast(kind)
