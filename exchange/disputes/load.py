"""Fetch a dispute for a step, together with its application, both locked in that order."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import Conflict, NotFound
from exchange.applications import load as applications
from exchange.disputes.models import Dispute, DisputeState


def locked(session: Session, dispute_id: uuid.UUID) -> Dispute:
    """The dispute; its application's row and its own are locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    dispute = session.get(Dispute, dispute_id)
    if dispute is None:
        raise unknown()
    applications.locked(session, dispute.application_id)
    session.refresh(dispute, with_for_update=True)
    return dispute


def unknown() -> NotFound:
    """The error for a dispute that does not exist."""
    return NotFound("dispute.unknown", "There is no such dispute. Choose it from the list of disputes.")


def require_state(dispute: Dispute, *states: DisputeState) -> None:
    """Refuse a step that does not fit the dispute's state.

    Raises:
        Conflict: ``dispute.wrong_state``; the sentence says what fits.
    """
    if dispute.state not in states:
        raise Conflict("dispute.wrong_state", _NOT_NOW[DisputeState(dispute.state)])


_NOT_NOW = {
    DisputeState.OPEN: "The dispute is before the coordinating office. It concludes the dispute or escalates it first.",
    DisputeState.ESCALATED: "The dispute is before the leading group. Record its ruling next.",
    DisputeState.CONCLUDED: "The dispute is concluded. Open its page to read the conclusion.",
    DisputeState.RULED: "The leading group has ruled, and its ruling is final. Open the dispute to read it.",
    DisputeState.WITHDRAWN: "The dispute was withdrawn. Nothing more can be done in it.",
}
