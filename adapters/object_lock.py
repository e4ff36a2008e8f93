"""A bucket whose objects nobody can delete before their time: S3 Object Lock, retention mode COMPLIANCE."""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from adapters.clock import system_now
from adapters.errors import NotFound, Transient
from adapters.objects import ANY_TYPE, ObjectStore, told
from adapters.settings import Settings

PROBE_SECONDS = 60
_HELD_BY_NOBODY = {"NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "InvalidRequest"}
"""What a store answers of an object without retention; the last of one in a bucket without object lock."""


@dataclass(frozen=True)
class Version:
    """One version of an object; a delete marker hides the versions before it."""

    key: str
    version: str
    is_latest: bool
    is_delete_marker: bool


class LockedStore(ObjectStore):
    """A bucket apart from the hub's own, made with object lock where the store can do that.

    Args:
        settings: address, keys and `SHUNIU_LOCK_BUCKET`.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.lock_bucket or f"{settings.s3_bucket}-locked")

    def ensure_bucket(self) -> None:
        """Make the bucket where it is missing, with object lock if the store has it."""
        with told(self.bucket):
            if self._client.bucket_exists(self.bucket):
                return
            try:
                self._client.make_bucket(self.bucket, object_lock=True)
            except S3Error:
                self._client.make_bucket(self.bucket)

    def locks(self, key: str) -> bool:
        """Try it: whether a version that is held for a minute really cannot be deleted.

        Args:
            key: where the trial may leave its object.

        Raises:
            Transient: the store does not answer.
        """
        self._forget_trials(key)
        until = system_now() + timedelta(seconds=PROBE_SECONDS)
        try:
            version = self.put_held(key, b"This object shows that versions are held.\n", until)
        except Transient as error:
            if isinstance(error.__cause__, S3Error):
                return False
            raise
        with suppress(Transient):
            self.remove_version(key, version)
        try:
            self.read(key, version)
        except NotFound:
            return False
        return bool(version) and self.retained_until(key, version) is not None

    def put_held(self, key: str, data: bytes, until: datetime | None) -> str:
        """Store an object that cannot be deleted before a moment, if one is given; returns its version.

        Raises:
            Transient: the store did not take it.
        """
        with told(key):
            held = Retention(COMPLIANCE, until) if until else None
            result = self._client.put_object(self.bucket, key, io.BytesIO(data), len(data), ANY_TYPE, retention=held)
        return result.version_id or ""

    def read(self, key: str, version: str = "", *, offset: int = 0, length: int = 0) -> bytes:
        """A small object whole, or some of it, in a version of it or in its latest.

        Args:
            key: which object.
            version: which version; the latest when empty.
            offset: first byte.
            length: how many bytes; 0 for all that follow.

        Raises:
            NotFound: there is no such version.
            Transient: the store does not answer.
        """
        with told(key):
            answer = self._client.get_object(self.bucket, key, offset, length, version_id=version or None)
            try:
                return bytes(answer.read())
            finally:
                answer.close()
                answer.release_conn()

    def retained_until(self, key: str, version: str) -> datetime | None:
        """Until when nobody can delete a version; None when anybody can now."""
        with told(key):
            try:
                held = self._client.get_object_retention(self.bucket, key, version or None)
            except S3Error as error:
                if error.code in _HELD_BY_NOBODY:
                    return None
                raise
        return held.retain_until_date if held and held.mode == COMPLIANCE else None

    def hold(self, key: str, version: str, until: datetime) -> None:
        """Hold a version until a later moment than before.

        Raises:
            Transient: the store refuses, as it should when the moment is earlier.
        """
        with told(key):
            self._client.set_object_retention(self.bucket, key, Retention(COMPLIANCE, until), version or None)

    def versions(self, prefix: str) -> Iterator[Version]:
        """Every version of the objects whose keys begin with a prefix, delete markers too."""
        with told(prefix):
            for found in self._client.list_objects(self.bucket, prefix, recursive=True, include_version=True):
                latest = str(found.is_latest).lower() != "false"
                version = found.version_id or ""
                yield Version(
                    found.object_name or "", "" if version == "null" else version, latest, found.is_delete_marker
                )

    def remove_version(self, key: str, version: str) -> None:
        """Delete one version for good.

        Raises:
            Transient: the store refuses, as it should while the version is held.
        """
        with told(key):
            self._client.remove_object(self.bucket, key, version_id=version or None)

    def _forget_trials(self, key: str) -> None:
        for version in list(self.versions(key)):
            with suppress(Transient):
                self.remove_version(key, version.version)
