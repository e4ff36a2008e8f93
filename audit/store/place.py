"""Where the log lies in the object store: tlog-tiles paths beneath a prefix, kept checkpoints in a bucket apart."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from adapters.errors import Misconfigured, NotFound
from adapters.object_lock import LockedStore
from adapters.objects import ObjectStore
from adapters.settings import Settings
from audit.retention import Retention, legal_floor_years

CHECKPOINT = "checkpoint"
COSIGNED = "cosigned"
"""The newest published checkpoint that enough witnesses cosigned."""
TEXT = "text/plain; charset=utf-8"
DAYS_OF_A_YEAR = 366


@dataclass(frozen=True)
class Place:
    """The log's place.

    Attributes:
        tiles: holds tiles and the newest checkpoint.
        locked: holds the hourly checkpoints.
        prefix: the beginning of all keys, without a slash at its end.
        years: how long an hourly checkpoint is kept.
    """

    tiles: ObjectStore
    locked: LockedStore
    prefix: str
    years: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The place that the settings name.

        Raises:
            Misconfigured: one is missing, or checkpoints would be kept for less than the law asks.
        """
        if settings.lock_years < legal_floor_years():
            raise Misconfigured(
                "settings.lock_too_short",
                "The setting {setting} is {years}: checkpoints are kept for {floor} years at least. Set it to that"
                " or more.",
                setting="SHUNIU_LOCK_YEARS",
                years=settings.lock_years,
                floor=legal_floor_years(),
            )
        years = max(settings.lock_years, Retention.of(settings).years)
        tiles = ObjectStore(settings, settings.log_bucket)
        return cls(tiles, LockedStore(settings), settings.log_prefix.strip("/"), years)

    def ensure(self) -> None:
        """Make the buckets where they are missing."""
        self.tiles.ensure_bucket()
        self.locked.ensure_bucket()

    def key(self, name: str) -> str:
        """The key of a name in the log, e.g. of ``tile/0/000``."""
        return f"{self.prefix}/{name}"

    def kept_key(self, hour: datetime, *, cosigned: bool) -> str:
        """The key of the checkpoint that is kept of an hour, the newest one or the newest cosigned one.

        Args:
            hour: its begin; a moment within it where the hour's own key is taken by a clock that ran ahead.
        """
        again = f"{hour:-%M%S}" if hour != hour.replace(minute=0, second=0, microsecond=0) else ""
        return self.key(f"kept/{hour:%Y/%m/%d/%H}{again}{'-cosigned' if cosigned else ''}")

    def read(self, name: str) -> bytes | None:
        """What is published under a name; None when nothing is.

        Raises:
            Transient: the store does not answer.
        """
        try:
            return b"".join(self.tiles.chunks(self.key(name)))
        except NotFound:
            return None

    def write(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> None:
        """Publish under a name.

        Raises:
            Transient: the store did not take it.
        """
        self.tiles.put(self.key(name), io.BytesIO(data), length=len(data), media_type=media_type)

    def names(self, beginning: str = "") -> Iterator[str]:
        """Names of what is published, in order."""
        start = len(self.prefix) + 1
        for key in self.tiles.keys(self.key(beginning)):
            yield key[start:]

    def remove(self, name: str) -> None:
        """Remove what is published under a name."""
        self.tiles.remove(self.key(name))
