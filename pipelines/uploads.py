"""Taking a file that an agency uploads as a source: checked by its content, kept in the object store."""

import csv
import io
import uuid
from dataclasses import dataclass
from typing import IO

from adapters.errors import InvalidInput
from adapters.objects import HashingSpool, objects
from adapters.settings import Settings
from directory.sources.configuration import upload_key

CHUNK = 1 << 20
LONGEST_HEADER = 64 * 1024


@dataclass(frozen=True)
class Upload:
    """A kept file.

    Attributes:
        object_key: where it lies in the bucket.
        sha256: hex digest of its bytes.
        heads: column heads of its first line.
    """

    object_key: str
    sha256: str
    bytes: int
    heads: tuple[str, ...]


def keep_csv(settings: Settings, agency_id: uuid.UUID, stream: IO[bytes], encoding: str) -> Upload:
    """Keep an uploaded CSV file whose first line names its columns.

    Args:
        stream: the file's bytes; read once, in bounded memory.
        encoding: how its text is written, a word of ``directory.sources.configuration.ENCODINGS``.

    Raises:
        InvalidInput: it is no CSV text in that encoding; nothing is kept.
    """
    with HashingSpool(settings.home / "tmp") as spool:
        first = stream.read(LONGEST_HEADER)
        heads = _heads(first, encoding)
        spool.write(first)
        while chunk := stream.read(CHUNK):
            if b"\x00" in chunk:
                raise _no_csv()
            spool.write(chunk)
        key = upload_key(agency_id, f"{uuid.uuid4()}.csv")
        objects(settings).put(key, spool.rewind(), length=spool.bytes, media_type="text/csv")
        return Upload(key, spool.sha256, spool.bytes, heads)


def _heads(first: bytes, encoding: str) -> tuple[str, ...]:
    line = first.split(b"\n", 1)[0]
    if b"\x00" in first or not line.strip():
        raise _no_csv()
    try:
        text = line.decode(encoding).lstrip("\ufeff").rstrip("\r")
    except (UnicodeDecodeError, LookupError) as error:
        raise _no_csv() from error
    heads = tuple(head.strip() for head in next(csv.reader(io.StringIO(text))))
    if not all(heads) or len(set(heads)) != len(heads) or not all(head.isprintable() for head in heads):
        raise _no_csv()
    return heads


def _no_csv() -> InvalidInput:
    sentence = (
        "The file is no CSV in this encoding: its first line must name the columns, each once. Nothing was kept. "
        "Save it as CSV (UTF-8) and upload it again."
    )
    return InvalidInput("upload.no_csv", sentence, [{"pointer": "/file", "message": sentence}])
