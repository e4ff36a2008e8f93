"""What entries say, for pages: the text of one, and those of a list's rows at once, archived ones too."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from adapters.clock import city_date
from adapters.errors import ShuniuError
from audit.archive.read import bodies
from audit.models import Evidence


def entry_text(body: bytes) -> Mapping[str, Any] | None:
    """What an entry's text says; None for a falsified one that verification finds unreadable or no page can show."""
    whole = _loaded(body)
    match whole:
        case {
            "id": str(),
            "time": str(),
            "type": str(),
            "subject": str(),
            "source": str(),
            "data": {
                "outcome": str(),
                "actor": {"agency": str() | None, "person": str() | None, "roles": [*roles]},
                "matter": str() | None,
                "authority": str() | None,
                "before": {} | None,
                "after": {} | None,
                "personal": str() | None,
            } as data,
        } if all(isinstance(role, str) for role in roles):
            told = data.get("case_time")
            return whole if told is None or case_time(told) else None
    return None


def case_time(told: object) -> datetime | None:
    """The moment of the case clock that a text tells; None for what is none, or none that the city's clock can show."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
        if moment is None or moment.tzinfo is None:
            return None
        city_date(moment)
        return moment
    except (ValueError, OverflowError):
        return None


def texts(session: Session, entries: Collection[Evidence]) -> dict[uuid.UUID, Mapping[str, Any]]:
    """The ``data`` of entries, by id; what expired, is lost or is no entry's text is left out, verification names it.

    Args:
        entries: a page of them; archives are asked once for all.
    """
    there = bodies(session, {entry.id: entry.body for entry in entries}, over=ShuniuError)
    return {entry_id: data for entry_id, body in there.items() if (data := _data(body)) is not None}


def program(data: Mapping[str, Any]) -> str:
    """The program that an entry's ``data`` names as who did it; "" for none."""
    actor = data.get("actor")
    return str(actor.get("client") or "") if isinstance(actor, Mapping) else ""


def _data(body: bytes) -> Mapping[str, Any] | None:
    whole = _loaded(body)
    data = whole.get("data") if isinstance(whole, Mapping) else None
    return data if isinstance(data, Mapping) else None


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
