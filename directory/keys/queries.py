"""Reading the register of keys."""

import uuid

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from adapters.errors import NotFound
from adapters.paging import USUAL_PAGE, Page, page_of
from directory.keys.models import AgencyKey, KeyPurpose
from directory.keys.signing import verify_signature

_MOST_VALID = 50


def _valid(agency_id: uuid.UUID, purpose: str) -> Select[AgencyKey]:
    """Keys of an agency that are not revoked, the newest first."""
    held = (AgencyKey.agency_id == agency_id) & (AgencyKey.purpose == purpose) & AgencyKey.revoked_at.is_(None)
    return select(AgencyKey).where(held).order_by(AgencyKey.registered_at.desc(), AgencyKey.id.desc())


def current_key(session: Session, agency_id: uuid.UUID, purpose: str) -> AgencyKey | None:
    """The newest key of an agency that is not revoked: packages are encrypted to it, and it is asked to sign."""
    return session.scalars(_valid(agency_id, purpose).limit(1)).first()


def signing_key_of(session: Session, agency_id: uuid.UUID, data: bytes, signature: bytes) -> AgencyKey | None:
    """Which of an agency's keys, not revoked, made this signature over these bytes; None when none did."""
    valid = session.scalars(_valid(agency_id, KeyPurpose.SIGN).limit(_MOST_VALID))
    return next((key for key in valid if verify_signature(key, data, signature)), None)


def keys(
    session: Session, agency_id: uuid.UUID, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[AgencyKey]:
    """All keys of an agency, revoked ones too, the newest first."""
    statement = select(AgencyKey).where(AgencyKey.agency_id == agency_id)
    order = [AgencyKey.registered_at, AgencyKey.id]
    return page_of(session, statement, order, cursor=cursor, limit=limit, descending=True)


def key(session: Session, key_id: uuid.UUID, *, lock: bool = False) -> AgencyKey:
    """One key; locked until the end of the transaction when it is to be changed.

    Raises:
        NotFound: there is none.
    """
    found = session.get(AgencyKey, key_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound("key.unknown", "There is no such key. Choose one from the agency's keys.")
    return found
