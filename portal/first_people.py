"""The operator and its three administrators: the people who let everybody else in, entered by a command, not a page."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from audit.actor import HUB
from directory.agencies.models import Agency, Office
from directory.agencies.register import register_agency
from directory.people.accounts import open_account
from directory.people.assign import assign_role
from directory.people.register import register_person
from directory.people.roles import Role


@dataclass(frozen=True)
class Newcomer:
    """A person to enter, with one role and an account."""

    login: str
    name: str
    role: Role
    password: str = field(repr=False)


def enter_operator(
    session: Session,
    *,
    credit_code: str,
    short_code: str,
    name: str,
    name_en: str,
    administrators: Sequence[Newcomer],
    valid_from: date | None = None,
) -> uuid.UUID:
    """Enter the regulator, which operates the hub ([M] Art. 4), and its administrators; everything is evidence.

    Returns:
        The agency's id.

    Raises:
        Conflict: there is a regulator already; its administrators enter everybody else.
        InvalidInput: a wrong code, name, login or password.
    """
    operator = session.scalar(select(Agency.name).where(Agency.office == Office.REGULATOR, Agency.valid_to.is_(None)))
    if operator is not None:
        raise Conflict(
            "setup.done",
            "The hub has its operator already: {name}. Sign in as its security administrator to enter more people.",
            name=operator,
        )
    agency = register_agency(
        session,
        HUB,
        credit_code=credit_code,
        short_code=short_code,
        name=name,
        name_en=name_en,
        office=Office.REGULATOR,
        valid_from=valid_from,
    )
    for newcomer in administrators:
        person = register_person(session, HUB, agency.id, newcomer.name)
        assign_role(session, HUB, person.id, newcomer.role)
        open_account(session, HUB, person.id, newcomer.login, newcomer.password)
    return agency.id
