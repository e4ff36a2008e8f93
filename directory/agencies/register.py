"""Registering an agency ([M] Art. 2, 3, 25; R1)."""

import re
import uuid
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.errors import Conflict, InvalidInput
from adapters.texts import line, word
from audit.actor import Actor
from audit.append import append
from directory.agencies.models import Agency, AgencyKind, AgencyLevel, FormerAgencyName, Office
from directory.agencies.queries import agency
from directory.permissions import administer_agencies, require
from schemas.findings import Severity
from schemas.identifiers import credit_code as credit_codes

_SHORT_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII)


def register_agency(
    session: Session,
    actor: Actor,
    *,
    credit_code: str,
    short_code: str,
    name: str,
    name_en: str = "",
    kind: str = AgencyKind.ADMINISTRATIVE_ORGAN,
    level: str = AgencyLevel.CITY,
    office: str = Office.MEMBER,
    parent_id: uuid.UUID | None = None,
    valid_from: date | None = None,
) -> Agency:
    """Enter an agency into the register.

    Args:
        credit_code: unified social credit code, as typed; spaces and small letters are mended.
        short_code: 2 to 12 capital letters and digits, used in document numbers.
        valid_from: first day as an agency; today by default.

    Raises:
        NotAllowed: the actor administers no agencies.
        InvalidInput: a wrong credit code or short code, an empty name, an unknown word.
        Conflict: the code belongs, or belonged, to an agency of the register, or the office is taken.
    """
    require(administer_agencies(actor), "agency.registered", "agency/new")
    code = checked_credit_code(session, credit_code)
    if parent_id is not None:
        agency(session, parent_id)
    made = Agency(
        credit_code=code,
        short_code=_checked_short_code(session, short_code),
        name=line(name, "/name"),
        name_en=line(name_en, "/name_en", optional=True),
        kind=word(kind, "/kind", AgencyKind),
        level=word(level, "/level", AgencyLevel),
        office=_checked_office(session, office),
        parent_id=parent_id,
        valid_from=valid_from or case_today(session),
    )
    session.add(made)
    session.flush()
    names = ("credit_code", "short_code", "name", "name_en", "kind", "level", "office")
    facts = {name: getattr(made, name) for name in names}
    facts |= {"parent": str(parent_id) if parent_id else None, "valid_from": made.valid_from.isoformat()}
    append(session, "agency.registered", f"agency/{made.id}", actor, after=facts, authority="[M] Art. 2")
    return made


def checked_credit_code(session: Session, typed: object) -> str:
    """A credit code in its written form, right and free.

    Raises:
        InvalidInput: the code is wrong; the message says how.
        Conflict: an agency has it, or had it before.
    """
    code = credit_codes.normalise(line(typed, "/credit_code", most=64))
    faults = [fault for fault in credit_codes.check(code) if fault.severity is Severity.ERROR]
    if faults:
        problems = [{"pointer": "/credit_code", "code": fault.value, "message": fault.message} for fault in faults]
        raise InvalidInput("agency.credit_code", faults[0].message, problems)
    had = select(FormerAgencyName.agency_id).where(FormerAgencyName.credit_code == code)
    known = session.scalar(select(Agency).where(or_(Agency.credit_code == code, Agency.id.in_(had))))
    if known is not None:
        sentence = (
            "The credit code {credit_code} belongs to {name} in the register. Compare the code, or open that agency."
        )
        raise Conflict("agency.known", sentence, credit_code=code, name=known.name)
    return code


def _checked_short_code(session: Session, typed: object) -> str:
    short = line(typed, "/short_code", most=12)
    if not _SHORT_CODE.fullmatch(short):
        sentence = "A short code is a capital letter, then capital letters and digits, 2 to 12 in all."
        problem = {"pointer": "/short_code", "code": "agency.short_code", "message": sentence}
        raise InvalidInput("agency.short_code", sentence, [problem])
    known = session.scalar(select(Agency.name).where(Agency.short_code == short))
    if known is not None:
        sentence = "The short code {short_code} is that of {name}. Choose another."
        raise Conflict("agency.short_code_taken", sentence, short_code=short, name=known)
    return short


def _checked_office(session: Session, typed: object) -> Office:
    """There is one coordinating office and one regulator; audit offices may be several."""
    office = word(typed, "/office", Office)
    if office in (Office.COORDINATING_OFFICE, Office.REGULATOR):
        known = session.scalar(select(Agency.name).where(Agency.office == office, Agency.valid_to.is_(None)))
        if known is not None:
            sentence = "{name} holds this office already, and there is only one. End its office first."
            raise Conflict("agency.office_taken", sentence, name=known)
    return office
