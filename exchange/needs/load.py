"""Fetch a need for a step, locked."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import Conflict, NotFound
from exchange.needs.models import Need, NeedState


def locked(session: Session, need_id: uuid.UUID) -> Need:
    """The need, its row locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    need = session.get(Need, need_id, with_for_update=True, populate_existing=True)
    if need is None:
        raise unknown()
    return need


def unknown() -> NotFound:
    """The error for a need that does not exist."""
    return NotFound("need.unknown", "There is no such need. Choose it from your list of needs.")


def require_raised(need: Need) -> None:
    """Refuse a step on a need that is answered or withdrawn.

    Raises:
        Conflict: ``need.closed``.
    """
    if need.state != NeedState.RAISED:
        raise Conflict("need.closed", "This need is answered or withdrawn already. Open its page to see how.")
