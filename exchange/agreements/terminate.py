"""Either side terminates an agreement; the grant under it ends with it (R42)."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from adapters.texts import prose
from audit.actor import Actor
from directory import permissions
from exchange.agreements import load
from exchange.agreements.ended import end_agreement
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications import load as applications
from exchange.applications.decisions import standing_of
from exchange.applications.states import Event, advance
from exchange.grants.ended import end_grant
from exchange.grants.models import Grant, GrantState


def terminate(session: Session, actor: Actor, agreement_id: uuid.UUID, *, reason: str) -> Agreement:
    """Terminate an agreement, or turn down one that waits for signatures.

    Raises:
        NotAllowed: no signatory of one of the two sides.
        Conflict: it has ended already.
        InvalidInput: no reason.
    """
    agreement = load.locked(session, agreement_id)
    application = agreement.application
    permission = permissions.sign_agreement(actor, application.requester_id, application.provider_id)
    subject, matter = f"agreement/{agreement.id}", applications.subject(application)
    permissions.require(permission, "agreement.terminated", subject, matter)
    if agreement.state == AgreementState.TERMINATED:
        raise Conflict("agreement.ended", "This agreement has ended already. Open its page to see why.")
    why = prose(reason, "/reason", most=4_000)
    end_agreement(session, actor, agreement, why)
    living = select(Grant).where(Grant.agreement_id == agreement.id, Grant.state != GrantState.ENDED)
    for grant in session.scalars(living.with_for_update()).all():
        end_grant(session, actor, grant, why)
    application.state = advance(application.state, Event.AGREEMENT_ENDED, standing_of(session, application))
    session.flush()
    return agreement
