"""A CSV file that an agency uploaded, read from the object store block by block."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pv

from adapters.connectors.base import Partition, lacks_columns, source_columns
from adapters.errors import Terminal
from adapters.objects import ObjectStore

BLOCK_BYTES = 4 * 1024 * 1024
MOST_MISFITS = 10_000
LONGEST_MISFIT = 2_000
ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "gb18030": "gb18030"}
"""Names of encodings as Arrow knows them; it passes over a byte order mark."""

_MARKED = {"utf-8": "utf-8-sig"}


@dataclass
class CsvReading:
    """The file's records, and the lines that are none."""

    rows: int
    misfits: list[tuple[int, str]]
    _reader: pv.CSVStreamingReader
    _names: list[str]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The records as text columns."""
        with _told():
            for batch in self._reader:
                yield batch.rename_columns(self._names)


class CsvConnector:
    """One file with a header.

    Args:
        config: ``{object_key, encoding, columns: {field_name: header}, sha256?, bytes?}``.
        store: where it lies.
    """

    def __init__(self, config: Mapping[str, Any], store: ObjectStore) -> None:
        self._key = str(config["object_key"])
        given = str(config.get("encoding") or "utf-8").lower()
        self._columns: Mapping[str, str] = config.get("columns") or {}
        self._sha256: str = config.get("sha256") or ""
        self._store = store
        if given not in ENCODINGS:
            raise Terminal("source.encoding", "The encoding {encoding} is not known.", encoding=given)
        self._encoding = ENCODINGS[given]

    def count(self) -> int:
        """Records of the file by Python's own reader, not the one that extracts; the file must be the attached one.

        Raises:
            Terminal: the file was changed since, or cannot be read.
        """
        with _told(), self._store.open(self._key) as raw:
            hashing = _Hashing(raw)
            text = io.TextIOWrapper(
                io.BufferedReader(hashing, BLOCK_BYTES), _MARKED.get(self._encoding, self._encoding), newline=""
            )
            records = sum(1 for record in csv.reader(text) if record)
        if self._sha256 and hashing.sha256.hexdigest() != self._sha256:
            raise Terminal("source.changed", "The file is not the one that was attached. Attach it again.")
        return max(records - 1, 0)

    def partitions(self, at_most: int) -> list[Partition]:
        """The whole file: records cannot be found without reading from the start."""
        return [Partition()]

    def mark(self) -> str:
        """None is needed: a file is one partition."""
        return ""

    @contextmanager
    def read(self, partition: Partition, fields: Sequence[str]) -> Iterator[CsvReading]:
        """Open the file; every value is text, an empty one is null."""
        names = source_columns(self._columns, fields)
        rows = self.count()
        misfits = _Misfits()
        with _told(), self._store.open(self._key) as raw:
            stream = pa.PythonFile(raw, mode="r")
            try:
                reader = pv.open_csv(
                    stream,
                    pv.ReadOptions(encoding=self._encoding, block_size=BLOCK_BYTES, use_threads=False),
                    pv.ParseOptions(newlines_in_values=True, invalid_row_handler=misfits),
                    pv.ConvertOptions(
                        column_types=dict.fromkeys(names, pa.string()),
                        include_columns=names,
                        null_values=[""],
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=True,
                    ),
                )
            except KeyError as error:
                raise lacks_columns([str(error)]) from error
            yield CsvReading(rows, misfits.lines, reader, list(fields))


class _Misfits:
    """Takes down records whose number of values is not the header's."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def __call__(self, row: pv.InvalidRow) -> str:
        self.lines.append((row.number if row.number is not None else -1, row.text[:LONGEST_MISFIT]))
        return "error" if len(self.lines) > MOST_MISFITS else "skip"


class _Hashing(io.RawIOBase):
    """Hashes what is read through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self.sha256.update(data)
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _told() -> Iterator[None]:
    """Turn readers' errors into ours: a file does not get better by being read again."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeError, csv.Error) as error:
        raise Terminal(
            "source.not_csv",
            "The file cannot be read as CSV in the encoding given: {reason}. Mend it and attach it again.",
            reason=str(error).splitlines()[0][:300],
        ) from error
