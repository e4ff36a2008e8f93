"""Statements in a dispute: of both sides, and of departments that the office asked ([M] Art. 15¶3; R41)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from exchange.applications import load as applications
from exchange.disputes import load
from exchange.disputes.models import Dispute, DisputeState, Statement
from schemas.canonical import sha256_hex


def state(session: Session, actor: Actor, dispute_id: uuid.UUID, *, text: str) -> Statement:
    """Add the statement of the actor's agency; there may be several.

    Raises:
        NotAllowed: the agency is no side of the dispute and was not asked.
        Conflict: the dispute is closed.
        InvalidInput: no text.
    """
    dispute = load.locked(session, dispute_id)
    application = dispute.application
    asked = {each.asked_id for each in dispute.statements if each.asked_id is not None}
    permission = permissions.state_in_dispute(actor, application.requester_id, application.provider_id, asked)
    subject, matter = f"dispute/{dispute.id}", applications.subject(application)
    permissions.require(permission, "dispute.stated", subject, matter)
    load.require_state(dispute, DisputeState.OPEN, DisputeState.ESCALATED)
    statement = Statement(agency_id=actor.agency_id, person_id=actor.person_id, text=prose(text, "/text", most=10_000))
    return record(session, actor, dispute, statement, "dispute.stated")


def record(session: Session, actor: Actor, dispute: Dispute, statement: Statement, kind: str) -> Statement:
    """Keep a statement or question, with its evidence."""
    statement.id = uuid.uuid4()
    dispute.statements.append(statement)
    session.flush()
    after = {"statement": str(statement.id)}
    if statement.asked_id is not None:
        after["asked"] = str(statement.asked_id)
    append(
        session,
        kind,
        f"dispute/{dispute.id}",
        actor,
        matter=f"application/{dispute.application_id}",
        after=after,
        personal={"digest": sha256_hex(statement.text.encode())},
        case_time=case_now(session),
    )
    return statement
