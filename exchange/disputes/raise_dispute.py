"""The requester objects to an answer and asks the coordinating office for coordination ([M] Art. 15¶3; R41)."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import Conflict
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.catalogue.models import DataItem
from exchange.applications import load as applications
from exchange.applications.decisions import open_items
from exchange.applications.models import Application
from exchange.applications.states import Event, advance, require
from exchange.disputes.models import Dispute, DisputeState, Statement
from exchange.numbers.allocate import Document, next_number
from schemas.canonical import sha256_hex


def raise_dispute(session: Session, actor: Actor, application_id: uuid.UUID, *, text: str) -> Dispute:
    """Object to the newest answer, once. What it agreed to goes on meanwhile.

    Args:
        text: what the requester objects to, and why; it becomes its first statement.

    Raises:
        NotAllowed: not the requester.
        Conflict: there is no answer, it refuses nothing, or it was objected to before.
        InvalidInput: no text.
    """
    application = applications.locked(session, application_id)
    subject = applications.subject(application)
    permission = permissions.act_for_requester(actor, application.requester_id)
    permissions.require(permission, "dispute.raised", subject, subject)
    refused = _objectionable(session, application)
    now = case_now(session)
    dispute = Dispute(
        id=uuid.uuid4(),
        number=next_number(session, application.requester, Document.DISPUTE),
        application=application,
        answer_round=len(application.answers),
        state=DisputeState.OPEN,
        raised_by=actor.person_id,
        raised_on=city_date(now),
    )
    words = prose(text, "/text", most=10_000)
    first = Statement(id=uuid.uuid4(), agency_id=actor.agency_id, person_id=actor.person_id, text=words)
    dispute.statements = [first]
    session.add(dispute)
    application.state = advance(application.state, Event.DISPUTE_RAISED)
    session.flush()
    append(
        session,
        "dispute.raised",
        f"dispute/{dispute.id}",
        actor,
        matter=subject,
        authority=f"{application.rule_set} Art. 15",
        after={
            "number": dispute.number,
            "state": dispute.state,
            "answer_round": dispute.answer_round,
            "items": [item.field_name for item in refused],
            "statement": str(first.id),
        },
        personal={"digest": sha256_hex(words.encode())},
        case_time=now,
    )
    return dispute


def _objectionable(session: Session, application: Application) -> Sequence[DataItem]:
    """The items that the newest answer leaves refused, when it can be objected to."""
    require(application.state, Event.DISPUTE_RAISED)
    refused = open_items(application)
    if not refused:
        raise Conflict("dispute.nothing_refused", "The answer refuses nothing, so there is nothing to object to.")
    of_answer = Dispute.application_id == application.id, Dispute.answer_round == len(application.answers)
    if session.scalar(select(Dispute.id).where(*of_answer)) is not None:
        raise Conflict(
            "dispute.once_per_answer",
            "Your agency has objected to this answer before, and each answer can be objected to once. Apply anew if "
            "the circumstances have changed.",
        )
    return refused
