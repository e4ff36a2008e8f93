"""End a grant for good; its agreement and its application end with it."""

import uuid

from sqlalchemy.orm import Session

from adapters.texts import prose
from audit.actor import Actor
from directory import permissions
from exchange.agreements.ended import end_agreement
from exchange.applications import load as applications
from exchange.applications.decisions import standing_of
from exchange.applications.states import Event, advance
from exchange.grants import load
from exchange.grants.ended import end_grant, matter_of
from exchange.grants.models import Grant, Suspender
from exchange.grants.recorded import record_suspended


def end(session: Session, actor: Actor, grant_id: uuid.UUID, *, reason: str) -> Grant:
    """End a grant: its requester, the provider, or who guards security.

    A standing grant that security ends is stopped by security too: the next version's is born suspended.

    Raises:
        NotAllowed: none of these; nobody ends a standing grant but security, it follows the catalogue.
        Conflict: it has ended already.
        InvalidInput: no reason.
    """
    grant = load.locked(session, grant_id)
    permissions.require(load.may_end(actor, grant), "grant.ended", f"grant/{grant.id}", matter_of(grant))
    load.require_living(grant)
    why = prose(reason, "/reason", most=4_000)
    if grant.requester_id is None and grant.suspended_by != Suspender.SECURITY:
        record_suspended(session, actor, grant, Suspender.SECURITY, why)
    finish(session, actor, grant, why)
    return grant


def finish(session: Session, actor: Actor, grant: Grant, reason: str) -> None:
    """End a locked grant, its agreement, and its application where nothing else is left of it."""
    end_grant(session, actor, grant, reason)
    if grant.agreement is not None:
        end_agreement(session, actor, grant.agreement, reason)
    if grant.application_id is not None:
        application = applications.locked(session, grant.application_id)
        application.state = advance(application.state, Event.GRANT_ENDED, standing_of(session, application))
    session.flush()
