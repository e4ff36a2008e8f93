"""The bytes of one fetch on their way out, and the record of how far they came."""

import hashlib
import logging
import time
from collections.abc import Generator, Iterator
from datetime import timedelta

from sqlalchemy.orm import Session

from adapters.database import engine
from adapters.errors import ShuniuError, Transient
from adapters.settings import Settings
from audit.standing import require_flow
from exchange.deliveries.fetch import close_cut, close_whole
from exchange.readers import stored_chunks
from exchange.release import Release, StoredBytes

LONGEST = timedelta(hours=5)
"""How long a fetch may last: below ``exchange.release.OPEN_FOR``, so nothing flows under a release swept as UNKNOWN."""

log = logging.getLogger("shuniu.exchange")


class Sending:
    """An iterator over the released range, piece by piece, for a server that calls ``close`` when it stops early.

    The range's last byte waits until the hand-over is committed: so nobody has a whole file whose evidence is missing,
    and whoever has it can acknowledge it at once. A server that stops before, whatever the cause, leaves ABORTED with
    the bytes that it took. So does a fetch that lasts too long; its receiver asks for the range that is missing. So
    does one that is under way when the hub stops delivering.

    Args:
        release: of stored bytes, authorised; it is closed here in a transaction of its own.
        settings: where the bytes lie.
        longest: how long it may last.

    Raises:
        Transient: the store did not give the first piece, or nothing leaves the hub now; the release is closed.
    """

    def __init__(self, release: Release, settings: Settings, longest: timedelta = LONGEST) -> None:
        self._release, self._settings = release, settings
        self._taken, self._hash = 0, hashlib.sha256()
        self._ends = time.monotonic() + longest.total_seconds()
        self._pieces = self._run()
        self._first: bytes | None = next(self._pieces, b"")

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece, self._first = (next(self._pieces) if self._first is None else self._first), None
        self._taken += len(piece)
        return piece

    def close(self) -> None:
        """Stop; what was not sent by now does not leave."""
        self._pieces.close()

    def _run(self) -> Generator[bytes, None, None]:
        stored = self._release.stored
        last = b""
        try:
            if stored is not None and stored.stop > stored.start:
                last = yield from self._all_but_one(stored)
            with Session(engine(self._settings.app_database_url)) as session:
                require_flow(session)
                close_whole(session, self._release, digest=self._hash.hexdigest())
        except BaseException as error:
            self._broke_off(error.code if isinstance(error, ShuniuError) else type(error).__name__)
            raise
        if last:
            yield last

    def _all_but_one(self, stored: StoredBytes) -> Generator[bytes, None, bytes]:
        """All bytes of the range but its last, which is returned."""
        missing = stored.stop - stored.start
        for chunk in stored_chunks(self._release, self._settings):
            with Session(engine(self._settings.app_database_url)) as session:
                require_flow(session)
            self._hash.update(chunk)
            missing -= len(chunk)
            yield chunk if missing else chunk[:-1]
            if not missing:
                return chunk[-1:]
            if time.monotonic() >= self._ends:
                raise TimeoutError("the fetch lasted too long; the rest can be asked for as a range")
        sentence = "The object store did not do its part for {key} ({reason}). Try again."
        raise Transient("objects.failed", sentence, key=stored.object_key, reason="too short")

    def _broke_off(self, reason: str) -> None:
        """Close the release; what fails here is found by the sweep of open releases."""
        try:
            with Session(engine(self._settings.app_database_url)) as session:
                close_cut(session, self._release, size=self._taken, reason=reason)
        except Exception:
            log.exception("release %s broke off and could not be closed", self._release.id)
