"""Giving and ending roles, with the three administrators kept apart (R24, R50; GB/T 22239)."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.errors import Conflict
from adapters.texts import word
from audit.actor import Actor
from audit.append import append
from directory.agencies.models import Office
from directory.people.models import RoleAssignment
from directory.people.queries import person
from directory.people.roles import Role, separation_broken
from directory.permissions import change_role, require


def assign_role(session: Session, actor: Actor, person_id: uuid.UUID, role: str) -> RoleAssignment:
    """Give a person a role from today on.

    Raises:
        NotAllowed: the actor may not give this role to this person.
        NotFound: there is no such person.
        InvalidInput: there is no such role.
        Conflict: they left, hold it already, or holds a role that is kept apart from this one.
    """
    wanted = word(role, "/role", Role)
    holder = person(session, person_id, lock=True)
    office = Office(holder.agency.office)
    decision = change_role(actor, person_id, holder.agency_id, wanted, office)
    require(decision, "role.assigned", f"person/{person_id}")
    if holder.left_at is not None:
        raise Conflict("person.left", "This person has left the agency. Choose somebody else.")
    held = _open(session, person_id)
    if wanted in held:
        raise Conflict("role.held", "This person holds the role {role} already.", role=wanted.value)
    if separation_broken(frozenset({*held, wanted})):
        sentence = (
            "These roles are kept apart: system, security and audit administrator, the log's administrator and whoever "
            "approves business, each administrator and the auditor. Choose another person."
        )
        error = Conflict("person.roles_separated", sentence)
        raise error.refused("role.assigned", f"person/{person_id}")
    made = RoleAssignment(person_id=person_id, role=wanted, held_from=city_date(system_now()))
    session.add(made)
    session.flush()
    after = {"role": wanted.value, "held_from": made.held_from.isoformat()}
    append(session, "role.assigned", f"person/{person_id}", actor, after=after)
    return made


def end_role(session: Session, actor: Actor, person_id: uuid.UUID, role: str) -> RoleAssignment:
    """End a role at once.

    Raises:
        NotAllowed: the actor may not take this role from this person.
        NotFound: there is no such person.
        InvalidInput: there is no such role.
        Conflict: the person does not hold it.
    """
    unwanted = word(role, "/role", Role)
    holder = person(session, person_id, lock=True)
    decision = change_role(actor, person_id, holder.agency_id, unwanted, Office(holder.agency.office))
    require(decision, "role.ended", f"person/{person_id}")
    assignment = _open(session, person_id).get(unwanted)
    if assignment is None:
        raise Conflict("role.not_held", "This person does not hold the role {role}.", role=unwanted.value)
    assignment.held_to = max(city_date(system_now()), assignment.held_from)
    session.flush()
    after = {"role": unwanted.value, "held_to": assignment.held_to.isoformat()}
    append(session, "role.ended", f"person/{person_id}", actor, before={"role": unwanted.value}, after=after)
    return assignment


def _open(session: Session, person_id: uuid.UUID) -> dict[Role, RoleAssignment]:
    statement = select(RoleAssignment).where(RoleAssignment.person_id == person_id, RoleAssignment.held_to.is_(None))
    return {Role(assignment.role): assignment for assignment in session.scalars(statement)}
