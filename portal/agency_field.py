"""A field that takes an agency by code, short code, name or part of a name, and offers names while one types."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from adapters.errors import Sentence
from directory.agencies.models import Agency
from directory.agencies.queries import agencies, agencies_meant
from portal.names import AT, agency_offered

MOST_OFFERED = 200
LONGEST = 400
Offer = tuple[str, str]


def offered_agencies(
    session: Session, *, but: Collection[uuid.UUID | None] = (), first: Sequence[Agency] = ()
) -> list[Offer]:
    """What the field offers: the value that is sent, and nothing besides to read.

    Args:
        but: agencies that cannot be chosen.
        first: those that what was typed may mean, where they are several; else the first 200 by name are offered.
    """
    choosable = first if len(first) > 1 else agencies(session, limit=MOST_OFFERED).items
    return [(agency_offered(one), "") for one in choosable if one.id not in but]


def agencies_typed(session: Session, text: str, *, but: Collection[uuid.UUID | None] = ()) -> list[Agency]:
    """The agencies that a field's text may mean: a code, a name, part of one, or what the field offers; at most 20.

    Args:
        but: agencies that cannot be chosen; they are meant only where nobody else is.
    """
    text = text.strip()[:LONGEST]
    found = agencies_meant(session, text) or agencies_meant(session, text.rpartition(AT.strip())[2].strip())
    return [one for one in found if one.id not in but] or found


def not_one(found: Sequence[Agency], text: str, pointer: str, untyped: str) -> dict[str, str]:
    """The problem of a field that names no agency, or several.

    Args:
        found: what ``agencies_typed`` found.
        untyped: the sentence where nothing was typed.
    """
    if not text.strip():
        return {"pointer": pointer, "message": untyped}
    if not found:
        sentence = "No agency has this code or name, or it in its name. Choose one of those offered."
        return {"pointer": pointer, "message": sentence}
    sentence = "Several agencies have this in their name or code: {names}. Write which you mean."
    return {"pointer": pointer, "message": Sentence(sentence, names="; ".join(agency_offered(one) for one in found))}
