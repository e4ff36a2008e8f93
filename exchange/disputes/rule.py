"""Record the leading group's ruling, which is final ([M] Art. 15¶3; R41)."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from adapters.texts import line
from audit.actor import Actor
from directory import permissions
from exchange.applications import load as applications
from exchange.disputes import load
from exchange.disputes.conclude import close
from exchange.disputes.models import Conclusion, DisputeState, Outcome

RULINGS = (Outcome.RULED_TO_SHARE, Outcome.REFUSAL_STANDS)


def rule(
    session: Session, actor: Actor, dispute_id: uuid.UUID, *, outcome: Outcome, text: str, document: str
) -> Conclusion:
    """Record the ruling (决定) on an escalated dispute, as the coordinating office holds it on paper.

    RULED_TO_SHARE directs the provider to answer anew, and that answer can only agree. REFUSAL_STANDS ends the matter.

    Args:
        document: number and title of the paper that holds the ruling.

    Raises:
        NotAllowed: not the coordinating office, or it is a side of the case.
        Conflict: the dispute is not before the leading group.
        InvalidInput: another outcome, no text, or no document.
    """
    dispute = load.locked(session, dispute_id)
    application = dispute.application
    permission = permissions.conclude_dispute(actor, application.requester_id, application.provider_id)
    permissions.require(permission, "dispute.ruled", f"dispute/{dispute.id}", applications.subject(application))
    load.require_state(dispute, DisputeState.ESCALATED)
    if outcome not in RULINGS:
        raise InvalidInput(
            "dispute.ruling",
            "The leading group rules that the items are shared, or that the refusal stands. Choose one of the two.",
            [{"pointer": "/outcome", "message": "Choose RULED_TO_SHARE or REFUSAL_STANDS."}],
        )
    return close(session, actor, dispute, outcome, text, line(document, "/document"))
