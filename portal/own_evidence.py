"""Which evidence a caller may read: one rule for pages and programs ([M] Art. 18; R120)."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import Conflict
from audit.actor import Actor
from audit.queries import Found, entry
from directory.permissions import read_evidence, require
from exchange.applications.models import Application


def agency_to_search(session: Session, actor: Actor, matter: str) -> str:
    """Credit code that the search of an agency's people or programs is kept to; "" within a case of their own.

    Raises:
        NotAllowed: the case is other agencies', or none.
    """
    if not matter:
        return actor.agency_code
    require(read_evidence(actor, codes_of_case(session, matter)))
    return ""


def own_entry(session: Session, actor: Actor, entry_id: uuid.UUID, *, said: bool = True) -> Found:
    """One entry that the actor may read.

    Args:
        said: whether what it says is asked for (``audit.queries.entry``).

    Raises:
        NotFound: there is none.
        NotAllowed: it is another agency's.
        Conflict: what it says has expired, or is missing or damaged.
    """
    found = entry(session, entry_id, said=said)
    codes = {found.row.agency_code} | codes_of_case(session, found.row.matter)
    require(read_evidence(actor, codes - {""}))
    return found


def as_far_as_kept(session: Session, actor: Actor, entry_id: uuid.UUID) -> tuple[Found, Conflict | None]:
    """One entry that the actor may read, and why nobody can say any more what it says; None where it is said.

    Its columns, number and proof are there in any case, its ``envelope`` is empty and its ``row.body`` unfit without.

    Raises:
        NotFound: there is none.
        NotAllowed: it is another agency's.
    """
    try:
        return own_entry(session, actor, entry_id), None
    except Conflict as error:
        return own_entry(session, actor, entry_id, said=False), error


def codes_of_case(session: Session, matter: str) -> set[str]:
    """Credit codes of the sides of a case; none for a matter that is no application's."""
    noun, _slash, key = matter.partition("/")
    try:
        application = session.get(Application, uuid.UUID(key)) if noun == "application" else None
    except ValueError:
        application = None
    if application is None:
        return set()
    return {application.requester.credit_code, application.provider.credit_code}
