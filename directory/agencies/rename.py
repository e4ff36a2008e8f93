"""Renaming an agency: what it was called before stays in the register (R1)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.texts import line
from audit.actor import Actor
from audit.append import append
from directory.agencies.models import Agency, FormerAgencyName
from directory.agencies.queries import agency
from directory.agencies.register import checked_credit_code
from directory.permissions import administer_agencies, require
from schemas.identifiers import credit_code as credit_codes


def rename_agency(
    session: Session,
    actor: Actor,
    agency_id: uuid.UUID,
    *,
    name: str,
    name_en: str = "",
    credit_code: str | None = None,
) -> Agency:
    """Give an agency a new name, and a new credit code where it got one; both old ones are kept until today.

    Raises:
        NotAllowed: the actor administers no agencies.
        NotFound: there is no such agency.
        InvalidInput: an empty name or a wrong code.
        Conflict: the new code is another agency's.
    """
    require(administer_agencies(actor), "agency.renamed", f"agency/{agency_id}")
    changed = agency(session, agency_id, lock=True)
    before = {"name": changed.name, "credit_code": changed.credit_code}
    new_name = line(name, "/name")
    new_code = changed.credit_code
    if credit_code is not None and credit_codes.normalise(credit_code) != changed.credit_code:
        new_code = checked_credit_code(session, credit_code)
    if (new_name, new_code) != (changed.name, changed.credit_code):
        changed.former.append(FormerAgencyName(until=case_today(session), **before))
    changed.name, changed.credit_code = new_name, new_code
    changed.name_en = line(name_en, "/name_en", optional=True) or changed.name_en
    session.flush()
    after = {"name": new_name, "name_en": changed.name_en, "credit_code": new_code}
    append(session, "agency.renamed", f"agency/{changed.id}", actor, before=before, after=after)
    return changed
