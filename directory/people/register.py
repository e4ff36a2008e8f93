"""A person of an agency comes and goes (R24, R54)."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.errors import Conflict
from adapters.texts import line
from audit.actor import Actor
from audit.append import append
from directory.agencies.queries import agency
from directory.people.accounts import freeze
from directory.people.appointments import end_appointments_of
from directory.people.models import Account, Person, RoleAssignment
from directory.people.queries import person
from directory.permissions import administer_people, require


def register_person(session: Session, actor: Actor, agency_id: uuid.UUID, name: str) -> Person:
    """Enter an official of an agency.

    Raises:
        NotAllowed: the actor does not administer this agency's people.
        NotFound: there is no such agency.
        InvalidInput: an empty or too long name.
    """
    require(administer_people(actor, agency_id), "person.registered", f"agency/{agency_id}")
    of = agency(session, agency_id)
    made = Person(agency_id=of.id, name=line(name, "/name", most=100))
    session.add(made)
    session.flush()
    facts = {"agency": of.credit_code, "agency_id": str(of.id)}
    append(session, "person.registered", f"person/{made.id}", actor, after=facts, personal={"person": made.name})
    return made


def person_left(session: Session, actor: Actor, person_id: uuid.UUID) -> Person:
    """Record that a person left: roles and appointment end, the account is frozen, browsers are signed out at once.

    Raises:
        NotAllowed: the actor does not administer this agency's people, or is that person.
        NotFound: there is no such person.
        Conflict: the person left before.
    """
    leaver = person(session, person_id, lock=True)
    require(administer_people(actor, leaver.agency_id), "person.left", f"person/{person_id}")
    if actor.person_id == person_id:
        raise Conflict("person.self", "You cannot record your own leaving. Another administrator has to do it.")
    if leaver.left_at is not None:
        raise Conflict("person.left", "This person has left already. There is nothing to do.")
    leaver.left_at = system_now()
    ended = _end_roles(session, leaver)
    end_appointments_of(session, actor, leaver)
    account = session.scalar(select(Account).where(Account.person_id == leaver.id).with_for_update())
    if account is not None:
        freeze(session, actor, account, "left")
    session.flush()
    append(session, "person.left", f"person/{leaver.id}", actor, after={"roles_ended": ended}, authority="[M] Art. 21")
    return leaver


def _end_roles(session: Session, leaver: Person) -> list[str]:
    held = select(RoleAssignment).where(RoleAssignment.person_id == leaver.id, RoleAssignment.held_to.is_(None))
    ended = []
    for assignment in session.scalars(held):
        assignment.held_to = max(city_date(system_now()), assignment.held_from)
        ended.append(assignment.role)
    return sorted(ended)
