"""Verification of the archives: each is there, held, what was written, and continues the one before.

Then the walk over the log takes archived texts from them. It is a code path apart from the one that answers pages.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import NotFound, Transient
from adapters.object_lock import LockedStore
from audit.archive.format import BLOCK, Header, Kept, opened
from audit.archive.models import LogArchive
from audit.archive.recorded import Recorded, recorded
from audit.report import Finding, Report

ARCHIVED, HELD_LONGER, EXPIRED = "evidence.archived", "evidence.archive_held_longer", "evidence.archive_expired"
"""Kinds of the entries that record that an archive was made, is held longer, and that its period was over."""


class ArchiveCheck:
    """The archives of a log.

    Args:
        session: reads what is written down of them; only by ``chain``.
        store: where they are; None leaves them out.
        report: where findings and counts go.
    """

    def __init__(self, session: Session, store: LockedStore | None, report: Report) -> None:
        self._session = session
        self._rows: Sequence[LogArchive] = []
        self._in_order: Sequence[LogArchive] = []
        self._starts: list[int] = []
        self._recorded: Mapping[str, Mapping[str, Sequence[Recorded | None]]] = {}
        self._store = store
        self._report = report
        self._good: dict[int, tuple[Header, int]] = {}
        self._read: tuple[int, list[Kept]] = (-1, [])

    def chain(self) -> None:
        """Check every archive, the first first."""
        self._rows = self._session.scalars(select(LogArchive).order_by(LogArchive.number)).all()
        self._in_order = sorted(self._rows, key=lambda row: row.first_index)
        self._starts = [row.first_index for row in self._in_order]
        self._recorded = {kind: recorded(self._session, kind) for kind in (ARCHIVED, HELD_LONGER, EXPIRED)}
        end, previous = 0, ""
        for number, row in enumerate(self._rows):
            if row.number != number or row.first_index != end:
                self._add("archive_unknown", f"The archive before {row.key} is not written down any more.", number)
            self._records(row)
            if self._store is not None and row.expired_at is None:
                self._check(self._store, row, previous)
            end, previous = row.end_index, row.digest
        for digest in sorted(self._recorded[ARCHIVED].keys() - {row.digest for row in self._rows}):
            self._add("archive_unknown", f"The archive with the digest {digest} was made and is not written down.")
        if self._store is not None:
            self._report.archives = len(self._good)

    def covers(self, index: int) -> bool:
        """Whether an entry's text may be missing from the database: it is in an archive, or was, or a bad one."""
        return self._row(index) is not None

    def kept(self, index: int) -> Kept | None:
        """What the archives keep of an entry; None where one was left out, expired or was found wrong by ``chain``."""
        found = self._line(index)
        self._report.archived += found is not None
        self._report.unread += found is None
        return found

    def lost(self, index: int, leaf: bytes) -> None:
        """Check what the archives keep of an entry that was declared lost.

        Args:
            leaf: its hash in the tree.
        """
        found = self._line(index)
        if found is not None and found.leaf != leaf:
            sentence = f"Entry {index} was declared lost, and its archive has another hash of it than the tree."
            self._report.add(Finding("archive_differs", sentence, index, None, leaf.hex(), found.leaf.hex()))

    def _row(self, index: int) -> LogArchive | None:
        place = bisect_right(self._starts, index) - 1
        return self._in_order[place] if place >= 0 and index < self._in_order[place].end_index else None

    def _line(self, index: int) -> Kept | None:
        row = self._row(index)
        if row is None or row.number not in self._good:
            return None
        if self._read[0] != row.number:
            self._read = (row.number, self._read_again(row))
        return self._read[1][index - row.first_index] if self._read[1] else None

    def _read_again(self, row: LogArchive) -> list[Kept]:
        """The entries of an archive that was found good; none, and a finding, when it is so no more."""
        try:
            return self._entries(row)
        except (NotFound, Transient, ValueError) as error:
            del self._good[row.number]
            code = "store_away" if isinstance(error, Transient) else "archive_changed"
            self._add(code, f"The archive {row.key} was good and cannot be read again: {error}", row.number)
            return []

    def _entries(self, row: LogArchive) -> list[Kept]:
        assert self._store is not None, "only what was read whole is read again"
        header, start = self._good[row.number]
        data = self._store.read(row.key, row.version)
        found: list[Kept] = []
        for number, block in enumerate(header.blocks):
            found += header.entries(number, data[start : start + block.bytes])
            start += block.bytes
        return found

    def _records(self, row: LogArchive) -> None:
        """What is written down of an archive is recorded in the log too."""
        made, longer, ended = (self._recorded[kind].get(row.digest, []) for kind in (ARCHIVED, HELD_LONGER, EXPIRED))
        if not made:
            self._add("archive_unrecorded", f"No entry {ARCHIVED} records the archive {row.key}.", row.number)
        if row.expired_at is not None:
            self._ended(row, row.expired_at, ended)
        told = {"number": row.number, "first": row.first_index, "end": row.end_index}
        day = f"{row.retain_until:%Y-%m-%d}"
        for facts in filter(None, made):
            until = max(str(each.after["retain_until"]) for each in (facts, *filter(None, longer)))
            stated = {name: facts.after.get(name) for name in told}
            if (stated, until) != (told, day):
                sentence = f"What is written down of the archive {row.key} is not what was recorded of it."
                self._add("archive_differs", sentence, row.number, f"{stated}, {until}", f"{told}, {day}")

    def _ended(self, row: LogArchive, moment: datetime, recorded: Sequence[Recorded | None]) -> None:
        """An archive ended when its time was over, in the name of two people."""
        if not any(facts is None or facts.by_two for facts in recorded):
            sentence = f"No entry {EXPIRED} of two people records the end of the archive {row.key}."
            self._add("archive_unrecorded", sentence, row.number)
        elif moment < row.retain_until:
            sentence = f"The archive {row.key} was ended before its time."
            self._add("archive_ended_early", sentence, row.number, row.retain_until.isoformat(), moment.isoformat())

    def _check(self, store: LockedStore, row: LogArchive, previous: str) -> None:
        try:
            self._same(row, store.read(row.key, row.version), previous)
            self._held(store, row)
        except NotFound:
            self._add("archive_missing", f"The archive {row.key} is gone.", row.number, row.digest)
        except Transient as error:
            self._add("store_away", f"The object store is away, so the archive {row.key} was not read: {error}")

    def _same(self, row: LogArchive, data: bytes, previous: str) -> None:
        try:
            header, size = opened(data)
        except ValueError:
            self._add("archive_changed", f"The archive {row.key} is none any more.", row.number, row.digest)
            return
        if header.digest != row.digest:
            other = next((each.key for each in self._rows if each.digest == header.digest), "")
            what = f"is the one of {other}: they were swapped" if other else "has another header than it was given"
            code = "archive_swapped" if other else "archive_changed"
            self._add(code, f"The archive {row.key} {what}.", row.number, row.digest, header.digest)
        elif (header.number, header.previous, header.first, header.end) != (
            row.number,
            previous,
            row.first_index,
            row.end_index,
        ):
            sentence = f"The archive {row.key} does not continue the one before, or is not what is written down of it."
            self._add("archive_chain_broken", sentence, row.number, previous, header.previous)
        else:
            self._blocks(row, header, data, size)

    def _blocks(self, row: LogArchive, header: Header, data: bytes, begin: int) -> None:
        start = begin
        for number, block in enumerate(header.blocks):
            piece = data[start : start + block.bytes]
            start += block.bytes
            try:
                header.entries(number, piece)
            except ValueError:
                first = header.first + number * BLOCK
                sentence = f"The archive {row.key} was changed, from entry {first} on or within 256 entries of it."
                self._add("archive_changed", sentence, row.number, block.sha256)
                return
        if start != len(data):
            self._add("archive_changed", f"The archive {row.key} has more at its end than it should.", row.number)
            return
        if (row.header_bytes, row.bytes) != (begin, len(data)):
            sentence = f"What is written down of the size of the archive {row.key} is not what it is."
            sizes = (f"{begin}, {len(data)}", f"{row.header_bytes}, {row.bytes}")
            self._add("archive_differs", sentence, row.number, *sizes)
        self._good[row.number] = (header, begin)

    def _held(self, store: LockedStore, row: LogArchive) -> None:
        due = row.retain_until.replace(microsecond=0)
        until = None
        with suppress(NotFound):
            until = store.retained_until(row.key, row.version)
        if due > system_now() and (until is None or until < due):
            sentence = f"The archive {row.key} can be deleted before its time."
            self._add("archive_not_locked", sentence, row.number, due.isoformat(), until.isoformat() if until else "")

    def _add(self, code: str, sentence: str, number: int | None = None, expected: str = "", found: str = "") -> None:
        index = self._rows[number].first_index if number is not None and number < len(self._rows) else None
        self._report.add(Finding(code, sentence, index, None, expected, found))
