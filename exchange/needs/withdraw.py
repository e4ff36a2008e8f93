"""The requester withdraws a need that is not answered."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from exchange.needs import load
from exchange.needs.models import Need, NeedState


def withdraw(session: Session, actor: Actor, need_id: uuid.UUID, *, reason: str) -> Need:
    """Withdraw a need.

    Raises:
        NotFound: no such need.
        NotAllowed: not the requester.
        Conflict: it is answered or withdrawn.
        InvalidInput: no reason.
    """
    need = load.locked(session, need_id)
    permissions.require(permissions.act_for_requester(actor, need.requester_id), "need.withdrawn", f"need/{need.id}")
    load.require_raised(need)
    why = prose(reason, "/reason", most=4_000)
    need.state = NeedState.WITHDRAWN
    session.flush()
    append(
        session,
        "need.withdrawn",
        f"need/{need.id}",
        actor,
        before={"state": NeedState.RAISED},
        after={"state": need.state},
        personal={"reason": why},
        case_time=case_now(session),
    )
    return need
