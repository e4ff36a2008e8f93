"""The coordinating office asks a department for its view ([M] Art. 15¶3: with the departments concerned; R41)."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from adapters.texts import prose
from audit.actor import Actor
from directory import permissions
from directory.agencies.queries import agency
from exchange.applications import load as applications
from exchange.disputes import load
from exchange.disputes.models import DisputeState, Statement
from exchange.disputes.state import record


def ask_department(
    session: Session, actor: Actor, dispute_id: uuid.UUID, *, agency_id: uuid.UUID, question: str
) -> Statement:
    """Ask a department; from then on it may read the dispute and state its view.

    Raises:
        NotAllowed: not the coordinating office, or it is a side of the case.
        NotFound: no such agency.
        Conflict: the dispute is closed.
        InvalidInput: no question, or the agency is a side and states its view anyway.
    """
    dispute = load.locked(session, dispute_id)
    application = dispute.application
    permission = permissions.conclude_dispute(actor, application.requester_id, application.provider_id)
    permissions.require(permission, "dispute.asked", f"dispute/{dispute.id}", applications.subject(application))
    load.require_state(dispute, DisputeState.OPEN, DisputeState.ESCALATED)
    asked = agency(session, agency_id)
    if asked.id in (application.requester_id, application.provider_id, actor.agency_id):
        raise InvalidInput(
            "dispute.ask_others",
            "{name} takes part in this dispute already. Ask another department.",
            [{"pointer": "/agency_id", "message": "Choose a department that is no side of the dispute."}],
            name=asked.name,
        )
    question_asked = Statement(
        agency_id=actor.agency_id,
        person_id=actor.person_id,
        asked_id=asked.id,
        text=prose(question, "/question", most=10_000),
    )
    return record(session, actor, dispute, question_asked, "dispute.asked")
