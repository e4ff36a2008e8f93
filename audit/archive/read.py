"""Reading archived entries, a block at a time; what was read is checked up to the digest in the database."""

import uuid
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from adapters.errors import Conflict, NotFound, ShuniuError
from adapters.object_lock import LockedStore
from adapters.settings import Settings
from audit.archive.format import BLOCK, Header, Kept, opened
from audit.archive.models import LogArchive
from audit.models import LogLeaf

K = TypeVar("K")
V = TypeVar("V")
_KEPT_HEADERS, _KEPT_BLOCKS = 16, 16
_site: list["Archives"] = []


class Archives:
    """The archives of a site; some headers and blocks are remembered. Threads may share it.

    Args:
        settings: of the site; the store is asked for only when something is read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stores: list[LockedStore] = []
        self._headers: OrderedDict[str, Header] = OrderedDict()
        self._blocks: OrderedDict[tuple[str, int], list[Kept]] = OrderedDict()

    def entry(self, row: LogArchive, index: int) -> Kept:
        """An archived entry.

        Args:
            row: the archive that it lies in.
            index: its number in the log.

        Raises:
            Conflict: the archive's period of keeping is over and it was deleted, or it is missing or was changed.
            Transient: the store does not answer.
        """
        if row.expired_at is not None:
            raise Conflict(
                "evidence.archive_expired",
                "What this entry says was deleted when its period of keeping was over. That it was in the log is still"
                " proved by its hash.",
            )
        try:
            number, place = divmod(index - row.first_index, BLOCK)
            kept = self._block(row, number)[place]
            if kept.index != index or kept.leaf:
                raise ValueError("another entry")
            return kept
        except (NotFound, ValueError, IndexError) as error:
            raise Conflict(
                "evidence.archive_damaged",
                "The archive {number}, which holds what this entry says, is missing or was changed. Tell the audit"
                " administrator to run `shuniu audit verify`.",
                number=row.number,
            ) from error

    def _block(self, row: LogArchive, number: int) -> list[Kept]:
        known = self._blocks.get((row.digest, number))
        if known is not None:
            return known
        header = self._header(row)
        offset, size = header.place(number)
        data = self._store().read(row.key, row.version, offset=row.header_bytes + offset, length=size)
        return _remember(self._blocks, (row.digest, number), header.entries(number, data), _KEPT_BLOCKS)

    def _header(self, row: LogArchive) -> Header:
        known = self._headers.get(row.digest)
        if known is not None:
            return known
        header, _ = opened(self._store().read(row.key, row.version, length=row.header_bytes))
        if header.digest != row.digest:
            raise ValueError("another archive")
        return _remember(self._headers, row.digest, header, _KEPT_HEADERS)

    def _store(self) -> LockedStore:
        if not self._stores:
            self._stores.append(LockedStore(self._settings))
        return self._stores[0]


def configure(settings: Settings | None) -> None:
    """Set this process's archives; every edge calls it once at its start. None: it goes on without the object store."""
    _site[:] = [Archives(settings)] if settings else []


def archived(session: Session, entry_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Kept]:
    """What archives keep of entries, by id; those that are in none are left out.

    Raises:
        Conflict: one of them is expired or damaged, or this process does not know the object store.
        Transient: the store does not answer.
    """
    rows = _places(session, entry_ids)
    if rows and not _site:
        raise Conflict("evidence.archives_unknown", "This process does not know where the archives of evidence are.")
    return {entry_id: _site[0].entry(row, index) for entry_id, index, row in rows}


def readable(
    session: Session, entry_ids: Collection[uuid.UUID], *, over: type[ShuniuError] = Conflict
) -> dict[uuid.UUID, Kept]:
    """What archives keep of entries, by id; what is expired or damaged is left out, verification names it.

    Args:
        over: what is passed over; ``ShuniuError`` for who goes on without the object store too.

    Raises:
        Transient: the store does not answer, so that what it keeps is not known.
    """
    found: dict[uuid.UUID, Kept] = {}
    for entry_id, index, row in _places(session, entry_ids) if entry_ids and _site else ():
        try:
            found[entry_id] = _site[0].entry(row, index)
        except over:
            continue
    return found


def bodies(
    session: Session, stored: Mapping[uuid.UUID, bytes | None], *, over: type[ShuniuError] = Conflict
) -> dict[uuid.UUID, bytes]:
    """Texts of entries, by id, from the database or an archive; those that are gone are left out, see ``readable``.

    Args:
        stored: what the database has of each; nothing where it lies in an archive.
    """
    kept = readable(session, [entry_id for entry_id, body in stored.items() if not body], over=over)
    there = {entry_id: body for entry_id, body in stored.items() if body}
    return there | {entry_id: each.body for entry_id, each in kept.items()}


def expired(session: Session, entry_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these entries lie in archives whose period of keeping was declared over."""
    places = _places(session, entry_ids) if entry_ids else ()
    return {entry_id for entry_id, _, row in places if row.expired_at is not None}


def _places(session: Session, entry_ids: Collection[uuid.UUID]) -> Sequence[Row[uuid.UUID, int, LogArchive]]:
    """Where archived entries lie, in the log's order, so that each block is read once."""
    return session.execute(
        select(LogLeaf.evidence_id, LogLeaf.leaf_index, LogArchive)
        .join(LogArchive, (LogArchive.first_index <= LogLeaf.leaf_index) & (LogArchive.end_index > LogLeaf.leaf_index))
        .where(LogLeaf.evidence_id.in_(entry_ids))
        .order_by(LogLeaf.leaf_index)
    ).all()


def _remember(known: OrderedDict[K, V], name: K, value: V, most: int) -> V:
    known[name] = value
    while len(known) > most:
        known.popitem(last=False)
    return value
