"""Fetch an agreement for a step, together with its application, both locked in that order."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import NotFound
from exchange.agreements.models import Agreement
from exchange.applications import load as applications


def locked(session: Session, agreement_id: uuid.UUID) -> Agreement:
    """The agreement; its application's row and its own are locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    agreement = session.get(Agreement, agreement_id)
    if agreement is None:
        raise unknown()
    applications.locked(session, agreement.application_id)
    session.refresh(agreement, with_for_update=True)
    return agreement


def unknown() -> NotFound:
    """The error for an agreement that does not exist."""
    return NotFound("agreement.unknown", "There is no such agreement. Choose it from your list of agreements.")
