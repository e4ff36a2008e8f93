"""Compare the exchange's tables with the evidence log: rows without entries, entries without rows, changed contents
(R120).

``register_reconcilers`` hands these to ``audit.reconcile``; verification runs them. Each noun's ``compared.py`` says
what is compared. Not compared: names of who did something, which entries hold themselves, moments that entries carry
as their own, and drafts that nobody has handed over.
"""

import uuid
from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from audit.opened import personal_details
from audit.reconcile import entries_have_rows, facts_follow_entries, register, rows_have_entries, states_follow_entries
from exchange.agreements.compared import agreement_facts, signatures_stand
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications import compared as applications
from exchange.applications.models import Application, ApplicationState
from exchange.deliveries import compared as deliveries
from exchange.deliveries.models import Delivery
from exchange.disputes.compared import conclusions_unchanged, dispute_facts, statements_unchanged
from exchange.disputes.models import Conclusion, Dispute, DisputeState
from exchange.grants import compared as grants
from exchange.grants.models import Grant, GrantState, ReleaseRecord, ReleaseState
from exchange.needs.compared import STEPS, UNANSWERED, need_facts
from exchange.needs.models import Need

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
    _applications()
    _agreements()
    _disputes()
    _grants()
    _deliveries()
    _rows("need", Need.id, ["need.raised"])
    needs = facts_follow_entries(
        "need", select(Need), Need.id, STEPS, need_facts, first=UNANSWERED, opener=personal_details
    )
    register("need-content", needs)


def _applications() -> None:
    answered = Application.answers.any()
    formed = Application.form_digest.is_not(None)
    _rows("application", Application.id, ["application.drafted"])
    _both("form", Application.id, ["application.form_generated"], formed)
    _both("receipt", Application.id, applications.RECEIVED, Application.receipt.has())
    _both("answer", Application.id, ["application.answered"], answered)
    _both("hand-over", Application.id, ["application.handed_over"], Application.hand_overs.any())
    withdrawn = Application.state == ApplicationState.CLOSED
    register("withdrawn", entries_have_rows("application", Application.id, ["application.withdrawn"], withdrawn))
    register("application-case", applications.cases_follow_entries)
    register("form-content", applications.forms_unchanged)
    register("receipt-content", applications.receipts_unchanged)
    register("hand-over-content", applications.hand_overs_unchanged)
    register("answer-content", applications.answers_unchanged)


def _agreements() -> None:
    _rows("agreement", Agreement.id, ["agreement.proposed"])
    register("agreement-state", states_follow_entries("agreement", Agreement.id, Agreement.state, _AGREEMENT_STATES))
    proposed = facts_follow_entries(
        "agreement",
        select(Agreement),
        Agreement.id,
        ["agreement.proposed"],
        agreement_facts,
        opener=personal_details,
    )
    register("agreement-content", proposed)
    register("agreement-signatures", signatures_stand)


def _disputes() -> None:
    _rows("dispute", Dispute.id, ["dispute.raised"])
    register("dispute-state", states_follow_entries("dispute", Dispute.id, Dispute.state, _DISPUTE_STATES))
    raised = facts_follow_entries("dispute", select(Dispute), Dispute.id, ["dispute.raised"], dispute_facts)
    register("dispute-content", raised)
    register("statement-content", statements_unchanged)
    register("conclusion-content", conclusions_unchanged)
    concluded = Dispute.conclusions.any(Conclusion.is_ruling.is_(False))
    register("concluded", entries_have_rows("dispute", Dispute.id, ["dispute.concluded"], concluded))
    ruled = Dispute.conclusions.any(Conclusion.is_ruling)
    register("ruled", entries_have_rows("dispute", Dispute.id, ["dispute.ruled"], ruled))


def _grants() -> None:
    _rows("grant", Grant.id, ["grant.opened"])
    register("grant-state", states_follow_entries("grant", Grant.id, Grant.state, _GRANT_STATES))
    opened = facts_follow_entries(
        "grant", select(Grant), Grant.id, ["grant.opened"], grants.grant_facts, opener=personal_details
    )
    register("grant-content", opened)
    register("grant-used", grants.used_rows_add_up)
    _rows("release", ReleaseRecord.id, ["release.authorised", "release.completed"])
    completed = ReleaseRecord.state == ReleaseState.COMPLETED
    register("release-completed", rows_have_entries("release", ReleaseRecord.id, ["release.completed"], completed))
    released = facts_follow_entries(
        "release",
        select(ReleaseRecord),
        ReleaseRecord.id,
        grants.RELEASED,
        grants.release_facts,
        first=grants.NOTHING_LEFT,
        states=grants.RELEASE_STATES,
    )
    register("release-content", released)
    register("release-use", grants.uses_unchanged)


def _deliveries() -> None:
    _rows("delivery", Delivery.id, ["delivery.requested"])
    acknowledged = Delivery.acknowledgement.has()
    register("acknowledged", entries_have_rows("delivery", Delivery.id, ["delivery.acknowledged"], acknowledged))
    moved = facts_follow_entries(
        "delivery",
        select(Delivery),
        Delivery.id,
        deliveries.MOVED,
        deliveries.delivery_facts,
        first=deliveries.UNPREPARED,
        opener=personal_details,
    )
    register("delivery-content", moved)
    prepared = facts_follow_entries(
        "delivery", select(Delivery), Delivery.id, ["delivery.prepared"], deliveries.prepared_facts
    )
    register("delivery-prepared", prepared)
    register("receipt-of-delivery", deliveries.receipts_stand)


def _both(
    name: str, identity: InstrumentedAttribute[uuid.UUID], kinds: Collection[str], condition: ColumnElement[bool]
) -> None:
    """Register both directions for applications that meet a condition."""
    register(name, rows_have_entries("application", identity, kinds, condition))
    register(f"{name}-entries", entries_have_rows("application", identity, kinds, condition))


def _rows(noun: str, identity: InstrumentedAttribute[uuid.UUID], kinds: list[str]) -> None:
    """Register both directions: rows have entries, entries have rows."""
    register(noun, rows_have_entries(noun, identity, kinds))
    register(f"{noun}-entries", entries_have_rows(noun, identity, kinds))
