"""The coordinating office concludes a dispute: answer anew, or the refusal stands ([M] Art. 15¶3; R41)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import InvalidInput
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.agencies.models import Agency
from exchange.applications import load as applications
from exchange.applications.deadlines import start_clock
from exchange.applications.decisions import standing_of
from exchange.applications.states import Event, advance
from exchange.disputes import load
from exchange.disputes.models import Conclusion, Dispute, DisputeState, Outcome
from exchange.numbers.allocate import Document, next_number
from schemas.canonical import sha256_hex

CONCLUSIONS = (Outcome.ANSWER_ANEW, Outcome.REFUSAL_STANDS)


def conclude(session: Session, actor: Actor, dispute_id: uuid.UUID, *, outcome: Outcome, text: str) -> Conclusion:
    """Conclude an open dispute (结论).

    ANSWER_ANEW directs the provider to answer the refused items again; by our reading within the rule set's days for an
    answer, counted from today. REFUSAL_STANDS leaves the answer as it is.

    Raises:
        NotAllowed: not the coordinating office, or it is a side of the case.
        Conflict: the dispute is not open.
        InvalidInput: another outcome, or no text.
    """
    dispute = load.locked(session, dispute_id)
    application = dispute.application
    permission = permissions.conclude_dispute(actor, application.requester_id, application.provider_id)
    permissions.require(permission, "dispute.concluded", f"dispute/{dispute.id}", applications.subject(application))
    load.require_state(dispute, DisputeState.OPEN)
    if outcome not in CONCLUSIONS:
        raise InvalidInput(
            "dispute.outcome",
            "The office concludes that the provider answers anew, or that the refusal stands. Choose one of the two.",
            [{"pointer": "/outcome", "message": "Choose ANSWER_ANEW or REFUSAL_STANDS."}],
        )
    return close(session, actor, dispute, outcome, text)


def close(
    session: Session, actor: Actor, dispute: Dispute, outcome: Outcome, text: str, document: str | None = None
) -> Conclusion:
    """Write down a conclusion, or a ruling when there is a ``document``, and let it act on the application."""
    application, now, ruling = dispute.application, case_now(session), document is not None
    words = prose(text, "/text", most=10_000)
    office = session.get_one(Agency, actor.agency_id)
    before = {"state": dispute.state, "application": application.state}
    conclusion = Conclusion(
        number=next_number(session, office, Document.CONCLUSION),
        is_ruling=ruling,
        outcome=outcome,
        text=words,
        document=document or "",
        concluded_by=actor.person_id,
        concluded_on=city_date(now),
    )
    dispute.state = DisputeState.RULED if ruling else DisputeState.CONCLUDED
    if outcome == Outcome.REFUSAL_STANDS:
        standing = standing_of(session, application)
        application.state = advance(application.state, Event.DISPUTE_CLOSED, standing)
    else:
        application.state = advance(application.state, Event.ANSWER_DIRECTED)
        start_clock(session, application, city_date(now))
        conclusion.new_answer_due_on = application.due_on
    dispute.conclusions.append(conclusion)
    session.flush()
    due_on = conclusion.new_answer_due_on
    append(
        session,
        "dispute.ruled" if ruling else "dispute.concluded",
        f"dispute/{dispute.id}",
        actor,
        matter=applications.subject(application),
        authority=document or f"{application.rule_set} Art. 15",
        before=before,
        after={
            "state": dispute.state,
            "application": application.state,
            "number": conclusion.number,
            "outcome": outcome,
            "document": conclusion.document,
            "concluded_on": conclusion.concluded_on.isoformat(),
            "new_answer_due_on": due_on.isoformat() if due_on else None,
            "provisional": application.due_provisional,
        },
        personal={"digest": sha256_hex(words.encode())},
        case_time=now,
    )
    return conclusion
