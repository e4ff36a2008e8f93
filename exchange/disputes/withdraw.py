"""The requester withdraws its objection; the answer stands."""

import uuid

from sqlalchemy.orm import Session

from adapters.texts import prose
from audit.actor import Actor
from directory import permissions
from exchange.applications import load as applications
from exchange.applications.decisions import standing_of
from exchange.applications.states import Event, advance
from exchange.disputes import load
from exchange.disputes.models import Dispute, DisputeState, Statement
from exchange.disputes.state import record


def withdraw(session: Session, actor: Actor, dispute_id: uuid.UUID, *, reason: str) -> Dispute:
    """Withdraw a dispute that is not concluded; the same answer cannot be objected to again.

    Raises:
        NotAllowed: not the requester.
        Conflict: the dispute is closed.
        InvalidInput: no reason.
    """
    dispute = load.locked(session, dispute_id)
    application = dispute.application
    permission = permissions.act_for_requester(actor, application.requester_id)
    permissions.require(permission, "dispute.withdrawn", f"dispute/{dispute.id}", applications.subject(application))
    load.require_state(dispute, DisputeState.OPEN, DisputeState.ESCALATED)
    words = Statement(agency_id=actor.agency_id, person_id=actor.person_id, text=prose(reason, "/reason", most=10_000))
    dispute.state = DisputeState.WITHDRAWN
    application.state = advance(application.state, Event.DISPUTE_CLOSED, standing_of(session, application))
    record(session, actor, dispute, words, "dispute.withdrawn")
    return dispute
