"""What a rule of ``directory.permissions`` answers, and the parts that most rules are made of. Pure functions."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.errors import NotAllowed
from audit.actor import Actor

CLIENT = "CLIENT"
HUB_ROLE = "HUB"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The actor may."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The actor may not; ``reason`` is an English template that says why and whom to turn to."""

    code: str
    reason: str
    context: Mapping[str, str] = field(default_factory=dict)


Decision = Allowed | Denied
ALLOWED = Allowed()


def require(decision: Decision, kind: str = "", subject: str = "", matter: str = "") -> None:
    """Go on when allowed.

    Args:
        kind: kind of evidence that the refusal becomes, with its subject and matter; without it the edge names them.

    Raises:
        NotAllowed: with the reason of the denial.
    """
    if isinstance(decision, Denied):
        error = NotAllowed(decision.code, decision.reason, **decision.context)
        raise error.refused(kind, subject, matter) if kind else error


def role(actor: Actor, *roles: str, programs: bool = False) -> Decision:
    """A role; ``programs`` says that a program may use the role of the official who answers for it."""
    context = {"roles": ", ".join(roles)}
    if actor.has(CLIENT) and CLIENT not in roles and not programs:
        reason = "A program cannot do this. A person with one of the roles {roles} does it, signed in to the portal."
        return Denied("permission.person", reason, context)
    if actor.has(*roles):
        return ALLOWED
    if actor.has(CLIENT):
        reason = "The official who answers for this program holds none of the roles {roles}, so it cannot do this."
        return Denied("permission.responsible", reason, context)
    reason = "This needs one of the roles {roles}. Ask your agency's security administrator."
    return Denied("permission.role", reason, context)


def own(actor: Actor, agency_id: uuid.UUID, *roles: str, programs: bool = False) -> Decision:
    """A role, held in the agency that the thing belongs to."""
    decision = role(actor, *roles, programs=programs)
    if isinstance(decision, Denied):
        return decision
    if actor.agency_id != agency_id:
        return Denied("permission.agency", "This belongs to another agency; only its own people may do this.")
    return ALLOWED


def hub_or(actor: Actor, *roles: str) -> Decision:
    """A role, unless the hub itself acts."""
    return ALLOWED if actor.has(HUB_ROLE) else role(actor, *roles)
