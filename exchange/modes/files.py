"""File download (文件下载): Parquet and CSV written from a release ([M] Art. 16)."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from adapters.lake import Lake
from adapters.settings import Settings
from exchange.readers import batches, released_schema
from exchange.release import Release

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FORMULA = r"^[=+\-@\t\r]"


@dataclass(frozen=True)
class Written:
    """What was written: rows, bytes and the SHA-256 (hex) of the bytes."""

    rows: int
    size: int
    sha256: str


class DigestSink:
    """A binary sink that counts and hashes what passes through to another one; it cannot seek."""

    def __init__(self, sink: BinaryIO) -> None:
        self.sink, self.size, self.hash, self.closed = sink, 0, hashlib.sha256(), False

    def write(self, data: bytes | memoryview) -> int:
        """Write, count and hash."""
        self.hash.update(data)
        self.size += len(data)
        self.sink.write(data)
        return len(data)

    def flush(self) -> None:
        """Pass a flush on."""
        self.sink.flush()

    def close(self) -> None:
        """Leave the sink below open."""
        self.closed = True


def write_parquet(release: Release, settings: Settings, sink: BinaryIO) -> Written:
    """Write the released rows as zstd Parquet, batch by batch."""
    out, rows = DigestSink(sink), 0
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), _schema(release, settings), compression="zstd") as writer:
        for batch in batches(release, settings):
            writer.write_batch(batch)
            rows += batch.num_rows
    return Written(rows, out.size, out.hash.hexdigest())


def write_csv(release: Release, settings: Settings, sink: BinaryIO) -> Written:
    """Write the released rows as CSV (UTF-8 with byte order mark, header row).

    Text that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    out, rows = DigestSink(sink), 0
    out.write(BYTE_ORDER_MARK)
    with pv.CSVWriter(pa.PythonFile(out, mode="w"), _schema(release, settings)) as writer:
        for batch in batches(release, settings):
            writer.write_batch(_without_formulas(batch))
            rows += batch.num_rows
    return Written(rows, out.size, out.hash.hexdigest())


def _schema(release: Release, settings: Settings) -> pa.Schema:
    return released_schema(release, Lake(settings).schema(release.terms.location, release.terms.delta_version))


def _without_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    for position, field in enumerate(batch.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = batch.column(position)
            risky = pc.match_substring_regex(column, FORMULA)
            if pc.any(risky).as_py():
                safe = pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
                batch = batch.set_column(position, field, safe)
    return batch
