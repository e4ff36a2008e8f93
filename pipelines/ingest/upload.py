"""Take an agency's file into the object store, so that it can be attached as a source."""

import hashlib
import uuid
from typing import Any, BinaryIO, cast

from sqlalchemy.orm import Session

from adapters.errors import TooLarge
from adapters.objects import objects
from adapters.settings import Settings
from audit.actor import Actor
from directory import permissions
from directory.catalogue.queries import resource
from directory.sources.configuration import upload_key


def store_upload(
    session: Session, actor: Actor, resource_id: uuid.UUID, name: str, stream: BinaryIO, settings: Settings
) -> dict[str, Any]:
    """Store a file for a resource of the actor's agency; attaching it is the next step.

    Args:
        name: plain file name, Latin letters, digits, dots, hyphens and underscores.
        stream: the file, read once, in bounded memory.
        settings: the store, and the limit for uploads.

    Returns:
        ``{"object_key", "sha256", "bytes"}``, as a CSV source's configuration has them.

    Raises:
        NotFound: no such resource.
        NotAllowed: the actor may not attach sources for its agency.
        InvalidInput: the name is no plain file name.
        TooLarge: the file is over the limit; nothing is kept.
    """
    of = resource(session, resource_id)
    subject = f"resource/{resource_id}"
    permissions.require(permissions.attach_source(actor, of.agency_id), "source.attached", subject)
    key = upload_key(of.agency_id, f"{uuid.uuid4().hex}-{name}")
    counted = _Counted(stream, settings.upload_limit)
    objects(settings).put(key, cast(BinaryIO, counted), media_type="text/csv")
    return {"object_key": key, "sha256": counted.sha256.hexdigest(), "bytes": counted.bytes}


class _Counted:
    """Counts and hashes what is read, up to a limit."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._limit = stream, limit
        self.sha256, self.bytes = hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.sha256.update(data)
        self.bytes += len(data)
        if self.bytes > self._limit:
            raise TooLarge("upload.too_large", "The file is over {limit} bytes. Divide it.", limit=self._limit)
        return data
