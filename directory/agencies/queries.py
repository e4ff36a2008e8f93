"""Reading the register of agencies."""

import uuid
from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from adapters.errors import NotFound
from adapters.listing import Listing, Order
from adapters.paging import USUAL_PAGE, Page
from adapters.searching import contains
from directory.agencies.models import Agency, FormerAgencyName

MOST_MEANT = 20


def agency(session: Session, agency_id: uuid.UUID, *, lock: bool = False) -> Agency:
    """One agency; locked until the end of the transaction when it is to be changed.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Agency, agency_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound("agency.unknown", "There is no such agency. Choose one from the register.")
    return found


def agency_by_code(session: Session, credit_code: str) -> Agency | None:
    """The agency that has a credit code, or had it before."""
    present = session.scalar(select(Agency).where(Agency.credit_code == credit_code))
    if present is not None:
        return present
    former = select(Agency).join(FormerAgencyName).where(FormerAgencyName.credit_code == credit_code)
    return session.scalars(former.order_by(FormerAgencyName.until.desc()).limit(1)).first()


def agencies_meant(session: Session, text: str) -> list[Agency]:
    """The agencies that a text may mean: the one of a credit code, present or former, or of a short code; else all
    that have it for their name; else those in whose names or codes it occurs. At most 20, by name."""
    if not text:
        return []
    one = agency_by_code(session, text) or session.scalar(select(Agency).where(Agency.short_code == text.upper()))
    if one:
        return [one]
    named = select(Agency).where(or_(Agency.name == text, Agency.name_en == text))
    found = list(session.scalars(named.order_by(Agency.name, Agency.id).limit(MOST_MEANT)))
    return found or list(agencies(session, text=text, limit=MOST_MEANT).items)


def agencies(
    session: Session, *, text: str = "", office: str = "", cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Agency]:
    """The register by name; ``text`` is looked for in names, former names and codes."""
    return register(text).page(session, {"office": [office]} if office else {}, cursor=cursor, limit=limit)


def register(text: str = "") -> Listing[Agency]:
    """The register, as a list to narrow and to order; ``text`` is looked for in names, former names and codes."""
    statement = select(Agency)
    if text.strip():
        former = select(FormerAgencyName.agency_id).where(
            or_(contains(FormerAgencyName.name, text), FormerAgencyName.credit_code == text.strip())
        )
        found = [contains(column, text) for column in (Agency.name, Agency.name_en, Agency.credit_code)]
        statement = statement.where(or_(*found, Agency.short_code == text.strip().upper(), Agency.id.in_(former)))
    return Listing(
        statement,
        {"office": Agency.office, "kind": Agency.kind, "level": Agency.level},
        {
            "name": Order((Agency.name, Agency.id)),
            "short_code": Order((Agency.short_code, Agency.id)),
            "credit_code": Order((Agency.credit_code, Agency.id)),
        },
    )


def agency_names(session: Session, agency_ids: Collection[uuid.UUID], *, english: bool = False) -> dict[uuid.UUID, str]:
    """Names of several agencies at once, for lists; in English those that have an English name."""
    rows = session.execute(select(Agency.id, Agency.name, Agency.name_en).where(Agency.id.in_(agency_ids)))
    return {found: (name_en if english else "") or name for found, name, name_en in rows}
