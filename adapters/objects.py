"""The object store: S3 through the ``minio`` client. Memory stays bounded whatever an object's size."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, BinaryIO, Self, cast
from urllib.parse import urlsplit

from minio import Minio
from minio.error import MinioException, S3Error
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from adapters.errors import NotFound, Transient
from adapters.settings import Settings

PART_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
ANY_TYPE = "application/octet-stream"
_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "NoSuchVersion", "NoSuchBucket", "NotFound"})


@dataclass(frozen=True)
class Stored:
    """What the store says of an object; ``bytes`` is its size, ``etag`` the store's own tag."""

    key: str
    bytes: int
    etag: str
    media_type: str


class ObjectStore:
    """A bucket, the hub's own if no other is named. Keys are paths inside it, without a leading slash.

    Args:
        settings: address, keys and bucket of the store.
        bucket: another bucket of that store.
    """

    def __init__(self, settings: Settings, bucket: str = "") -> None:
        settings.require("s3_url", "s3_access_key", "s3_secret_key")
        address = urlsplit(settings.s3_url)
        self.bucket = bucket or settings.s3_bucket
        self._client = Minio(
            address.netloc,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            secure=address.scheme == "https",
            region="us-east-1",
            http_client=PoolManager(
                maxsize=10,
                timeout=Timeout(connect=5, read=120),
                retries=Retry(total=3, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
            ),
        )

    def ensure_bucket(self) -> None:
        """Make the bucket where it is missing."""
        with told(self.bucket):
            if not self._client.bucket_exists(self.bucket):
                self._client.make_bucket(self.bucket)

    def put(self, key: str, stream: BinaryIO, *, length: int = -1, media_type: str = ANY_TYPE) -> Stored:
        """Store a stream under a key, replacing whole what was there; big ones go in parts.

        Args:
            key: where.
            stream: read once, to its end, or ``length`` bytes of it.
            length: bytes, -1 when not known beforehand.
            media_type: the object's type.

        Raises:
            Transient: the store did not take it; nothing is stored under the key, or what was there before.
        """
        part = PART_BYTES if length < 0 else 0
        counted = _Counted(stream)
        with told(key):
            result = self._client.put_object(
                self.bucket, key, cast(BinaryIO, counted), length, media_type, part_size=part
            )
        return Stored(key, counted.bytes, result.etag or "", media_type)

    def stat(self, key: str) -> Stored:
        """Size, tag and type of an object.

        Raises:
            NotFound: there is none under the key.
            Transient: the store does not answer.
        """
        with told(key):
            found = self._client.stat_object(self.bucket, key)
        return Stored(key, found.size or 0, found.etag or "", found.content_type or ANY_TYPE)

    def exists(self, key: str) -> bool:
        """Whether there is an object under the key."""
        try:
            self.stat(key)
        except NotFound:
            return False
        return True

    def chunks(
        self, key: str, *, offset: int = 0, length: int | None = None, chunk_bytes: int = CHUNK_BYTES
    ) -> Iterator[bytes]:
        """An object's bytes, or a range of them, piece by piece.

        Args:
            key: which object.
            offset: first byte.
            length: how many bytes; None for all that follow.
            chunk_bytes: most bytes per piece.

        Raises:
            NotFound: at the first piece, there is no such object.
            Transient: the store fails, perhaps midway.
        """
        if length == 0:
            return
        with told(key):
            answer = self._client.get_object(self.bucket, key, offset, length or 0)
            try:
                yield from answer.stream(chunk_bytes)
            finally:
                answer.close()
                answer.release_conn()

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """An object as a readable stream that cannot seek, for as long as the block lasts."""
        with closing(cast(Any, self.chunks(key))) as pieces:
            yield cast(BinaryIO, io.BufferedReader(_Pieces(pieces), CHUNK_BYTES))

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with told(key):
            self._client.remove_object(self.bucket, key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with a prefix, in order."""
        with told(prefix):
            for found in self._client.list_objects(self.bucket, prefix, recursive=True):
                yield found.object_name or ""


@lru_cache(maxsize=4)
def objects(settings: Settings) -> ObjectStore:
    """The process's store for these settings; threads may share it."""
    return ObjectStore(settings)


class HashingSpool:
    """A sink on an unnamed temporary file that counts and hashes what is written; gone when its block ends.

    Args:
        folder: where the file lies while it is written; made when missing.

    Attributes:
        bytes: how many were written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed when the block ends
        self._hash = hashlib.sha256()
        self.bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes."""
        self._hash.update(data)
        self.bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing to do: the file is read through the same handle."""

    def tell(self) -> int:
        """How many bytes were written."""
        return self.bytes

    @property
    def closed(self) -> bool:
        """Whether the block ended."""
        return self._file.closed

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written so far, hex."""
        return self._hash.hexdigest()

    def rewind(self) -> BinaryIO:
        """The file from its first byte, to be read once."""
        self._file.seek(0)
        return cast(BinaryIO, self._file)


class _Counted:
    """Counts what is read from a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.bytes += len(data)
        return data


class _Pieces(io.RawIOBase):
    """A raw stream over an iterator of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


@contextmanager
def told(key: str) -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except S3Error as error:
        if error.code in _MISSING:
            raise NotFound("objects.not_found", "There is no object {key} in the store.", key=key) from error
        raise _failed(key, error.code or "error") from error
    except (MinioException, HTTPError) as error:
        raise _failed(key, type(error).__name__) from error


def _failed(key: str, reason: str) -> Transient:
    return Transient(
        "objects.failed",
        "The object store did not do its part for {key} ({reason}). Try again.",
        key=key,
        reason=reason,
    )
