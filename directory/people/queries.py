"""Reading people, roles, programs and appointments."""

import uuid
from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.errors import NotFound
from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from directory.agencies.models import Agency
from directory.people.models import Account, ApiClient, DataAdministrator, Person, RoleAssignment
from directory.permissions import administer_people, require


def person(session: Session, person_id: uuid.UUID, *, lock: bool = False) -> Person:
    """One person; locked until the end of the transaction when something of theirs is to be changed.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Person, person_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound("person.unknown", "There is no such person. Choose one of the agency's people.")
    return found


def account_of(session: Session, person_id: uuid.UUID) -> Account:
    """A person's account, locked until the end of the transaction.

    Raises:
        NotFound: the person has none.
    """
    statement = select(Account).where(Account.person_id == person_id).with_for_update()
    found = session.scalars(statement.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound("account.unknown", "This person has no account. Open one first.")
    return found


def _held(today: ColumnElement[date]) -> ColumnElement[bool]:
    """The condition that a role assignment holds today; one that was ended holds no more from that moment."""
    return (RoleAssignment.held_from <= today) & RoleAssignment.held_to.is_(None)


def roles_held(today: ColumnElement[date]) -> ColumnElement[list[str]]:
    """The roles of the statement's ``person``, as one array column."""
    roles = select(RoleAssignment.role).where(RoleAssignment.person_id == Person.id, _held(today))
    return func.array(roles.correlate(Person).scalar_subquery())


def roles_of(session: Session, person_id: uuid.UUID) -> frozenset[str]:
    """Role words that a person holds now."""
    held = _held(literal(city_date(system_now())))
    return frozenset(session.scalars(select(RoleAssignment.role).where(RoleAssignment.person_id == person_id, held)))


def actor_of_person(session: Session, person_id: uuid.UUID, address: str = "") -> Actor:
    """The actor that a person is, for commands and steps that act in their name.

    Raises:
        NotFound: there is no such person, or they have left.
    """
    found = person(session, person_id)
    if found.left_at is not None:
        raise NotFound("person.left", "This person has left the agency. Choose somebody else.")
    return Actor(
        person_id=found.id,
        agency_id=found.agency_id,
        agency_code=found.agency.credit_code,
        roles=roles_of(session, person_id),
        address=address,
        name=found.name,
        office=found.agency.office,
    )


def people(
    session: Session, actor: Actor, agency_id: uuid.UUID, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Person]:
    """People of an agency, for who administers them; those who left come too, with the day."""
    require(administer_people(actor, agency_id))
    statement = select(Person).where(Person.agency_id == agency_id)
    return page_of(session, statement, [Person.name, Person.id], cursor=cursor, limit=limit)


def assignments(session: Session, person_id: uuid.UUID, limit: int = 200) -> list[RoleAssignment]:
    """Roles of a person, present and past, latest first."""
    statement = select(RoleAssignment).where(RoleAssignment.person_id == person_id)
    ordered = statement.order_by(RoleAssignment.held_from.desc(), RoleAssignment.id).limit(limit)
    return list(session.scalars(ordered))


def clients(
    session: Session, actor: Actor, agency_id: uuid.UUID, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ApiClient]:
    """Programs of an agency, for who administers them."""
    require(administer_people(actor, agency_id))
    statement = select(ApiClient).where(ApiClient.agency_id == agency_id)
    return page_of(session, statement, [ApiClient.name, ApiClient.id], cursor=cursor, limit=limit)


def appointments(
    session: Session, *, agency_id: uuid.UUID | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[DataAdministrator]:
    """Appointments of data administrators, latest first: of one agency, or of all (the filing register, R54)."""
    statement: Select[DataAdministrator] = select(DataAdministrator)
    if agency_id is not None:
        statement = statement.where(DataAdministrator.agency_id == agency_id)
    order = [DataAdministrator.appointed_on, DataAdministrator.id]
    return page_of(session, statement, order, cursor=cursor, limit=limit, descending=True)


def person_names(session: Session, person_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Names of several people at once, for lists."""
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(person_ids)))
    return {found: name for found, name in rows}


def agencies_without_administrator(
    session: Session, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Agency]:
    """Agencies in force whose data administrator is not named, or not on file with the regulator ([M] Art. 21)."""
    filed = select(DataAdministrator.agency_id).where(
        DataAdministrator.ended_on.is_(None), DataAdministrator.filed_on.is_not(None)
    )
    statement = select(Agency).where(Agency.valid_to.is_(None), Agency.id.not_in(filed))
    return page_of(session, statement, [Agency.name, Agency.id], cursor=cursor, limit=limit)
