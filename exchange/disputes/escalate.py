"""Bring a dispute before the leading group ([M] Art. 15¶3: where necessary; R41)."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import Conflict
from adapters.texts import prose
from audit.actor import Actor
from directory import permissions
from exchange.applications import load as applications
from exchange.disputes import load
from exchange.disputes.models import Dispute, DisputeState, Statement
from exchange.disputes.state import record
from schemas.rule_sets import rule_set


def escalate(session: Session, actor: Actor, dispute_id: uuid.UUID, *, text: str) -> Dispute:
    """Escalate an open dispute; the office's reasons become a statement.

    Raises:
        NotAllowed: not the coordinating office, or it is a side of the case.
        Conflict: the dispute is not open, or the rule set knows no ruling.
        InvalidInput: no text.
    """
    dispute = load.locked(session, dispute_id)
    application = dispute.application
    permission = permissions.conclude_dispute(actor, application.requester_id, application.provider_id)
    permissions.require(permission, "dispute.escalated", f"dispute/{dispute.id}", applications.subject(application))
    load.require_state(dispute, DisputeState.OPEN)
    if not rule_set(application.rule_set).step("ruling_step"):
        raise Conflict("dispute.no_ruling", "The rule set of this case knows no ruling. Conclude the dispute instead.")
    reasons = Statement(agency_id=actor.agency_id, person_id=actor.person_id, text=prose(text, "/text", most=10_000))
    dispute.state = DisputeState.ESCALATED
    record(session, actor, dispute, reasons, "dispute.escalated")
    return dispute
