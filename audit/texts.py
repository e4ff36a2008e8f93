"""What many entries say, for lists: the texts of a page's rows at once, archived ones too."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy.orm import Session

from adapters.errors import ShuniuError
from audit.archive.read import readable
from audit.models import Evidence


def texts(session: Session, entries: Collection[Evidence]) -> dict[uuid.UUID, Mapping[str, Any]]:
    """The ``data`` of entries, by id; what expired, is lost or is no entry's text is left out, verification names it.

    Args:
        entries: a page of them; archives are asked once for all.
    """
    kept = readable(session, [entry.id for entry in entries if not entry.body], over=ShuniuError)
    found: dict[uuid.UUID, Mapping[str, Any]] = {}
    for entry in entries:
        body = entry.body or (kept[entry.id].body if entry.id in kept else b"")
        data = _data(body)
        if data is not None:
            found[entry.id] = data
    return found


def program(data: Mapping[str, Any]) -> str:
    """The program that an entry's ``data`` names as who did it; "" for none."""
    actor = data.get("actor")
    return str(actor.get("client") or "") if isinstance(actor, Mapping) else ""


def _data(body: bytes) -> Mapping[str, Any] | None:
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    data = whole.get("data") if isinstance(whole, Mapping) else None
    return data if isinstance(data, Mapping) else None
