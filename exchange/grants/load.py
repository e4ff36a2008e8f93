"""Fetch a grant for a step, together with its application, both locked in that order; and who may stop it."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import Conflict, NotFound
from audit.actor import Actor
from directory import permissions
from directory.agencies.models import Office
from directory.catalogue.queries import resource
from directory.people.roles import Role
from exchange.applications import load as applications
from exchange.grants.models import Grant, GrantState


def locked(session: Session, grant_id: uuid.UUID, *, steady: bool = False) -> Grant:
    """A grant; its application's row and its own are locked until the transaction ends.

    Args:
        steady: nobody publishes or withdraws a version of its resource meanwhile.

    Raises:
        NotFound: there is none.
    """
    grant = session.get(Grant, grant_id)
    if grant is None:
        raise unknown()
    if grant.application_id is not None:
        applications.locked(session, grant.application_id)
    if steady:
        resource(session, grant.resource_id, steady=True)
    session.refresh(grant, with_for_update=True)
    return grant


def unknown() -> NotFound:
    """The error for a grant that does not exist."""
    return NotFound("grant.unknown", "There is no such grant. Choose it from your list of grants.")


def require_living(grant: Grant) -> None:
    """Refuse a step on a grant that has ended.

    Raises:
        Conflict: ``grant.ended``.
    """
    if grant.state == GrantState.ENDED:
        raise Conflict("grant.ended", "This grant has ended and stays so. Apply anew if the data is still needed.")


def is_security(actor: Actor, provider_id: uuid.UUID) -> bool:
    """Whether the actor guards security: the operator's administrator everywhere, the provider's at home (R48)."""
    guards = actor.person_id is not None and actor.has(Role.SECURITY_ADMINISTRATOR)
    return guards and (actor.office == Office.REGULATOR or actor.agency_id == provider_id)


def may_stop(actor: Actor, grant: Grant) -> permissions.Decision:
    """Suspend or resume a grant: the provider, or who guards security. A standing grant is not the provider's to stop:
    universal data is offered to every agency as long as the catalogue says so (R36)."""
    if is_security(actor, grant.provider_id):
        return permissions.ALLOWED
    if grant.requester_id is None:
        reason = "A standing grant follows the catalogue. Publish another version of the entry, or withdraw it."
        return permissions.Denied("grant.standing", reason)
    return permissions.answer(actor, grant.provider_id)


def may_stop_for(actor: Actor, grant: Grant) -> permissions.Decision:
    """Suspend a grant for what was found unusual: who may stop it, and the auditor (R48). A standing grant is every
    agency's, so that the misuse of one is no reason for the auditor to stop all."""
    if grant.requester_id is not None and actor.person_id is not None and actor.has(Role.AUDITOR):
        return permissions.ALLOWED
    return may_stop(actor, grant)


def may_end(actor: Actor, grant: Grant) -> permissions.Decision:
    """End a grant: who may stop it, or its requester, who no longer needs it."""
    if grant.requester_id is not None and grant.requester_id == actor.agency_id:
        return permissions.act_for_requester(actor, grant.requester_id)
    return may_stop(actor, grant)
