"""Compare the exchange's tables with the evidence log: rows without entries, entries without rows, changed contents
(R120).

``register`` hands these to ``audit.reconcile``; verification runs them. Contents are compared by the digests in
evidence:
forms, answers, agreements and the terms of grants.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from audit.models import Evidence
from audit.reconcile import DONE, Discrepancy, entries_have_rows, register, rows_have_entries, states_follow_entries
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications.answer import content as answer_content
from exchange.applications.models import Answer, Application, ApplicationState
from exchange.deliveries.models import Delivery, DeliveryState
from exchange.disputes.models import Dispute, DisputeState
from exchange.grants.models import Grant, GrantState, ReleaseRecord, ReleaseState
from exchange.grants.recorded import content as grant_content
from exchange.needs.models import Need, NeedState
from schemas.canonical import digest

_BATCH = 500
_GRANT_STATES = {
    "grant.opened": GrantState.ACTIVE,
    "grant.suspended": GrantState.SUSPENDED,
    "grant.resumed": GrantState.ACTIVE,
    "grant.ended": GrantState.ENDED,
}
_DISPUTE_STATES = {
    "dispute.raised": DisputeState.OPEN,
    "dispute.concluded": DisputeState.CONCLUDED,
    "dispute.escalated": DisputeState.ESCALATED,
    "dispute.ruled": DisputeState.RULED,
    "dispute.withdrawn": DisputeState.WITHDRAWN,
}
_AGREEMENT_STATES = {
    "agreement.proposed": AgreementState.PROPOSED,
    "agreement.in_force": AgreementState.IN_FORCE,
    "agreement.terminated": AgreementState.TERMINATED,
}


def register_reconcilers() -> None:
    """Have every verification compare the exchange's tables with the log."""
    answered = Application.answers.any()
    formed = Application.form_digest.is_not(None)
    _rows("application", Application.id, ["application.drafted"])
    register("form", rows_have_entries("application", Application.id, ["application.form_generated"], formed))
    received = ["application.received", "application.receipt_settled"]
    register("receipt", rows_have_entries("application", Application.id, received, Application.receipt.has()))
    register("answer", rows_have_entries("application", Application.id, ["application.answered"], answered))
    register("answered", entries_have_rows("application", Application.id, ["application.answered"], answered))
    withdrawn = Application.state == ApplicationState.CLOSED
    register("withdrawn", entries_have_rows("application", Application.id, ["application.withdrawn"], withdrawn))
    _rows("agreement", Agreement.id, ["agreement.proposed"])
    register("agreement-state", states_follow_entries("agreement", Agreement.id, Agreement.state, _AGREEMENT_STATES))
    _rows("grant", Grant.id, ["grant.opened"])
    register("grant-state", states_follow_entries("grant", Grant.id, Grant.state, _GRANT_STATES))
    _rows("dispute", Dispute.id, ["dispute.raised"])
    register("dispute-state", states_follow_entries("dispute", Dispute.id, Dispute.state, _DISPUTE_STATES))
    _rows("need", Need.id, ["need.raised"])
    answered_need = Need.state.in_([NeedState.ACCEPTED, NeedState.REFUSED])
    register("need-answer", rows_have_entries("need", Need.id, ["need.answered"], answered_need))
    _rows("delivery", Delivery.id, ["delivery.requested"])
    acknowledged = Delivery.state == DeliveryState.ACKNOWLEDGED
    register("receipt-of-delivery", rows_have_entries("delivery", Delivery.id, ["delivery.acknowledged"], acknowledged))
    _rows("release", ReleaseRecord.id, ["release.authorised", "release.completed"])
    completed = ReleaseRecord.state == ReleaseState.COMPLETED
    register("release-completed", rows_have_entries("release", ReleaseRecord.id, ["release.completed"], completed))
    register("form-content", forms_unchanged)
    register("answer-content", answers_unchanged)
    register("agreement-content", agreements_unchanged)
    register("grant-content", grants_unchanged)


def forms_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Forms whose text is no longer the one that was generated."""
    forms = select(Application).where(Application.form_digest.is_not(None))

    def found(application: Application) -> str:
        return digest(application.form)

    yield from _changed(session, forms, Application.id, "application", "application.form_generated", found)


def answers_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Answers that no longer say what was answered, decisions, reasons and bases."""
    for answer in session.scalars(select(Answer).order_by(Answer.id).execution_options(yield_per=_BATCH)):
        subject = f"application/{answer.application_id}"
        stated = [
            after["digest"]
            for after in _afters(session, "application.answered", [subject]).get(subject, [])
            if after.get("round") == answer.round
        ]
        now = digest(answer_content(answer))
        if now not in stated:
            sentence = f"Answer {answer.number} of {subject} is not the one that its entry records."
            yield Discrepancy(subject, sentence, expected=", ".join(stated), found=now)


def agreements_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Agreements whose text is no longer the one that was proposed and signed."""

    def found(agreement: Agreement) -> str:
        return digest(agreement.document)

    yield from _changed(session, select(Agreement), Agreement.id, "agreement", "agreement.proposed", found)


def grants_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Grants whose terms are no longer those that were opened."""

    def found(grant: Grant) -> str:
        return digest(grant_content(grant))

    yield from _changed(session, select(Grant), Grant.id, "grant", "grant.opened", found)


def _rows(noun: str, identity: InstrumentedAttribute[uuid.UUID], kinds: list[str]) -> None:
    """Register both directions: rows have entries, entries have rows."""
    register(noun, rows_have_entries(noun, identity, kinds))
    register(f"{noun}-entries", entries_have_rows(noun, identity, kinds))


def _changed(
    session: Session,
    statement: Select[Any],
    identity: InstrumentedAttribute[uuid.UUID],
    noun: str,
    kind: str,
    found: Callable[[Any], str],
) -> Iterator[Discrepancy]:
    last = uuid.UUID(int=0)
    while batch := session.scalars(statement.where(identity > last).order_by(identity).limit(_BATCH)).all():
        afters = _afters(session, kind, [f"{noun}/{row.id}" for row in batch])
        for row in batch:
            subject, now = f"{noun}/{row.id}", found(row)
            stated = [after.get("digest", "") for after in afters.get(subject, [])]
            if stated and now not in stated:
                sentence = f"{subject} is not what its entry {kind} records."
                yield Discrepancy(subject, sentence, expected=", ".join(stated), found=now)
        last = batch[-1].id


def _afters(session: Session, kind: str, subjects: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The facts after the change, by subject, of the entries of a kind."""
    entries = select(Evidence.subject, Evidence.body).where(
        Evidence.kind == kind, Evidence.subject.in_(subjects), Evidence.outcome == DONE
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for subject, body in session.execute(entries):
        try:
            stated = json.loads(body)["data"]["after"] or {}
        except (ValueError, KeyError, TypeError):  # a falsified entry: verification names it by itself
            continue
        found.setdefault(subject, []).append(stated)
    return found
