"""Reading the log for its verification: piece by piece, the next piece while the last one is checked."""

import uuid
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzBinaryLoader
from sqlalchemy.orm import Session

from audit.tiles import WIDTH
from audit.verify_entry import BODY, COLUMNS, ID, MOMENT, PRESENT, TABLES, Row
from audit.verify_tree import StoredCheckpoint

PIECE = 16 * WIDTH
GAP_TILES = 16 * WIDTH
"""Most tiles of a piece of numbers that no entry has, 32 MiB. Numbers without tiles cost nothing, however many."""
FARTHEST = 2 * PIECE
"""Texts to look through for those of a piece, before each is looked up by itself."""
_ENTRY = slice(ID, ID + 2)
_JOINED = f"LEFT JOIN ({TABLES}) ON evidence.id = "

_NUMBERED = f"""
    SELECT log_leaf.leaf_index, CAST(log_leaf.evidence_id AS text), {COLUMNS}
    FROM log_leaf {_JOINED} log_leaf.evidence_id
    WHERE log_leaf.leaf_index >= %s AND log_leaf.leaf_index < %s ORDER BY log_leaf.leaf_index
"""  # noqa: S608  # put together from COLUMNS and TABLES; what is looked for is bound
_TEXTS_BETWEEN = """
    SELECT CAST(evidence_id AS text), recorded_at, body, ciphertext FROM evidence_text
    WHERE recorded_at BETWEEN %s AND %s LIMIT %s
"""
_TEXTS_OF_EACH = """
    SELECT CAST(evidence_id AS text), recorded_at, body, ciphertext FROM evidence_text
    WHERE (recorded_at, evidence_id) IN (SELECT * FROM unnest(%s::timestamptz[], %s::uuid[])) LIMIT %s
"""
_TILE_AFTER = "SELECT number FROM log_tile WHERE level = 0 AND number > %s ORDER BY number OFFSET %s LIMIT 1"
_TILES = "SELECT number, hashes FROM log_tile WHERE level = 0 AND number BETWEEN %s AND %s"
_CHECKPOINTS = "SELECT size, root, note, signed_at FROM log_checkpoint WHERE size > %s AND size <= %s ORDER BY size"
_LATER_CHECKPOINTS = "SELECT size, root, note, signed_at FROM log_checkpoint WHERE size > %s ORDER BY size LIMIT 1000"
_WAITING = f"""
    SELECT CAST(NULL AS bigint), CAST(evidence_queue.evidence_id AS text), {COLUMNS}
    FROM evidence_queue {_JOINED} evidence_queue.evidence_id
    WHERE NOT EXISTS (SELECT FROM log_leaf WHERE log_leaf.evidence_id = evidence_queue.evidence_id)
    AND evidence_queue.evidence_id > %s ORDER BY evidence_queue.evidence_id LIMIT 1000
"""  # noqa: S608  # put together from COLUMNS and TABLES; what is looked for is bound
_LOST = """
    SELECT CAST(id AS text), kind, recorded_at FROM evidence
    WHERE NOT EXISTS (SELECT FROM log_leaf WHERE log_leaf.evidence_id = evidence.id)
    AND NOT EXISTS (SELECT FROM evidence_queue WHERE evidence_queue.evidence_id = evidence.id)
    ORDER BY recorded_at, id LIMIT 10000
"""


class _AnyMoment(TimestamptzBinaryLoader):
    """Reads what a database holds that is no moment of this world by its name, so that what has it can be named."""

    def load(self, data: Buffer) -> Any:
        """A moment, or what stands in its place."""
        try:
            return super().load(data)
        except psycopg.DataError:
            return "infinity" if int.from_bytes(data, "big", signed=True) > 0 else "-infinity"


@dataclass(frozen=True)
class Piece:
    """Some of the log.

    Attributes:
        start: number of its first entry.
        end: number after its last.
        rows: numbered entries as they are stored.
        tiles: stored tiles of level 0 by number.
        checkpoints: those of sizes over ``start`` and up to ``end``.
    """

    start: int
    end: int
    rows: Sequence[Row]
    tiles: dict[int, bytes]
    checkpoints: Sequence[StoredCheckpoint]


class LogReader:
    """Reads the stored log through the caller's session, so that it sees what the caller's transaction sees.

    Args:
        session: any; it must not be used by others meanwhile.
    """

    def __init__(self, session: Session) -> None:
        connection = session.connection().connection.driver_connection
        if not isinstance(connection, psycopg.Connection):
            raise TypeError("the evidence log is read through psycopg")
        self._connection: psycopg.Connection[Any] = connection
        self.texts = self.details = 0
        """Texts and personal details that were read."""

    def pieces(self, at_least: int = 0) -> Generator[Piece]:
        """The numbered part of the log, in order, at most a few thousand entries at a time.

        Args:
            at_least: read up to this number, if no entry has it or a later one: those before it are lost.
        """
        total = max(at_least, self._one("SELECT coalesce(max(leaf_index), -1) FROM log_leaf") + 1)
        with ThreadPoolExecutor(1, "read-log") as ahead:
            reading = ahead.submit(self._piece, 0, total)
            while (piece := reading.result()) is not None:
                reading = ahead.submit(self._piece, piece.end, total)
                yield piece

    def later_checkpoints(self, size: int) -> Iterator[StoredCheckpoint]:
        """Checkpoints of more entries than ``size``."""
        while rows := self._dated(_LATER_CHECKPOINTS, size):
            yield from (StoredCheckpoint(*row) for row in rows)
            size = rows[-1][0]

    def upper_tiles(self) -> list[tuple[int, int, bytes]]:
        """Stored tiles above level 0: level, number, hashes."""
        return [
            (level, number, hashes or b"")
            for level, number, hashes in self._rows(
                "SELECT level, number, hashes FROM log_tile WHERE level > 0 ORDER BY level, number"
            )
        ]

    def width_of_tiles(self) -> int:
        """Bytes that the tiles of level 0 have together."""
        return self._one("SELECT coalesce(sum(octet_length(hashes)), 0)::bigint FROM log_tile WHERE level = 0")

    def waiting(self) -> Iterator[Row]:
        """Entries that wait to be numbered, as they are stored."""
        after = str(uuid.UUID(int=0))
        while rows := self._dated(_WAITING, after):
            yield from self._with_texts(rows)
            after = rows[-1][1]

    def lost(self) -> Iterator[tuple[str | None, str, Any]]:
        """Entries that are neither numbered nor waiting, 10,000 of them at most: id, kind, moment."""
        yield from self._dated(_LOST)

    def _piece(self, start: int, total: int) -> Piece | None:
        if start >= total:
            return None
        end = min(start + PIECE, total)
        rows = self._with_texts(self._dated(_NUMBERED, start, end))
        if not rows:
            end = self._end_of_gap(start, total)
        stored = self._rows(_TILES, start // WIDTH, max(end, start + PIECE) // WIDTH)
        tiles = {number: hashes or b"" for number, hashes in stored}
        checkpoints = [StoredCheckpoint(*row) for row in self._dated(_CHECKPOINTS, start, end)]
        return Piece(start, end, rows, tiles, checkpoints)

    def _with_texts(self, rows: Sequence[Row]) -> list[Row]:
        """Rows with their entries' texts, which mostly lie side by side; with a second text a row comes once more."""
        found = self._texts([row[_ENTRY] for row in rows if isinstance(row[MOMENT], datetime)])
        texts = {row[:2]: row[2:] for row in found}
        self.details += sum(row[PRESENT] for row in rows)
        read: list[Row] = [(*row, *texts.get(row[_ENTRY], (None, None))) for row in rows]
        if len(texts) < len(found):
            said: dict[Any, list[Any]] = {}
            for each in found:
                said.setdefault(each[:2], []).append(each[2:])
            read = [(*row, *each) for row in rows for each in said.get(row[_ENTRY], [(None, None)])]
        self.texts += sum(row[BODY] is not None for row in read)
        return read

    def _texts(self, entries: Sequence[Row]) -> list[Any]:
        """Texts with the id and the moment of their entries."""
        if not entries:
            return []
        ids, moments = zip(*entries, strict=True)
        found = self._rows(_TEXTS_BETWEEN, min(moments), max(moments), FARTHEST)
        if len(found) == FARTHEST:
            found = self._rows(_TEXTS_OF_EACH, list(moments), list(ids), FARTHEST)
        return found

    def _end_of_gap(self, start: int, total: int) -> int:
        """The next number that an entry has, or one before it so that the tiles up to there are not too many."""
        following = self._one("SELECT coalesce(min(leaf_index), %s) FROM log_leaf WHERE leaf_index >= %s", total, start)
        tile = self._rows(_TILE_AFTER, start // WIDTH, GAP_TILES - 1)
        return min(following, tile[0][0] * WIDTH) if tile else following

    def _dated(self, query: str, *parameters: object) -> list[Any]:
        """Rows with a moment; where that is none that can be read, they are read once more, slowly."""
        try:
            return self._rows(query, *parameters)
        except psycopg.DataError:
            with self._connection.cursor(binary=True) as cursor:
                cursor.adapters.register_loader("timestamptz", _AnyMoment)
                return cursor.execute(query, parameters).fetchall()

    def _rows(self, query: str, *parameters: object) -> list[Any]:
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(query, parameters).fetchall()

    def _one(self, query: str, *parameters: object) -> int:
        return int(self._rows(query, *parameters)[0][0])
