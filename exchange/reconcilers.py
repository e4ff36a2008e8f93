"""Compare the exchange's tables with the evidence log: rows without entries, entries without rows, changed contents
(R120).

``register_reconcilers`` hands these to ``audit.reconcile``; verification runs them. Each noun's ``compared.py`` says
what is compared, ``directory.deeds`` who did it when, and ``exchange.present`` whether each recorded part is here. Not
compared: drafts that nobody has handed over.
"""

import uuid
from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from audit.opened import personal_details
from audit.reconcile import (
    UNSTATED,
    entries_have_rows,
    facts_follow_entries,
    register,
    rows_have_entries,
    states_follow_entries,
)
from directory.deeds import Deed, deeds_beside, deeds_follow_entries
from exchange.agreements.compared import agreement_facts, signatures_stand
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications import compared as applications
from exchange.applications.models import Answer, Application, ApplicationState, HandOver
from exchange.deliveries import compared as deliveries
from exchange.deliveries.models import Acknowledgement, Delivery
from exchange.disputes.compared import conclusions_unchanged, dispute_facts, statements_unchanged
from exchange.disputes.models import Conclusion, Dispute, DisputeState, Statement
from exchange.grants import compared as grants
from exchange.grants.models import Grant, GrantState, ReleaseRecord, ReleaseState
from exchange.needs.compared import STEPS, UNANSWERED, need_facts
from exchange.needs.models import Need
from exchange.present import parts_are_here
from schemas.words import Mode

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
_NO_REASON = {"reason": ""}
"""Until an entry says why it ended; one whose details were destroyed says nothing of it."""
_STATED = ("dispute.raised", "dispute.stated", "dispute.asked", "dispute.escalated", "dispute.withdrawn")
_CONCLUDED = ("dispute.concluded", "dispute.ruled")
_OPENED = ("release.authorised", "release.completed")
_CLOSED = ("release.completed", "release.aborted", "release.unknown")
_RELEASED = (
    Deed(_OPENED, agency="agency_id", moment="authorised_at"),
    Deed(_CLOSED, moment="closed_at", latest=True),
)
_DELIVERED = (
    Deed(
        ["delivery.requested"],
        agency="agency_id",
        person="requested_by",
        client="requested_client",
        moment="requested_at",
        authority=lambda row: f"grant/{row.grant.number}",
    ),
    Deed(["delivery.prepared"], moment="prepared_at"),
    Deed(["delivery.delivered"], moment="delivered_at"),
)
_ACKNOWLEDGED = (Deed(["delivery.acknowledged"], person="acknowledged_by", moment="acknowledged_at"),)
_NEEDED = (
    Deed(["need.raised"], agency="requester_id", person="raised_by", moment="raised_at"),
    Deed(["need.answered"], person="answered_by", moment="answered_at"),
)
_GRANTED = (Deed(["grant.opened"], moment="created_at"), Deed(["grant.ended"], moment="ended_at"))
_AGREED = (
    Deed(["agreement.proposed"], moment="created_at"),
    Deed(["agreement.in_force"], moment="in_force_at"),
    Deed(["agreement.terminated"], moment="terminated_at"),
)
_APPLIED = (
    Deed(
        ["application.drafted"],
        agency="requester_id",
        person="applied_by",
        moment="created_at",
        authority=lambda row: f"{row.rule_set} Art. 15",
    ),
)
_ANSWERED = (
    Deed(
        ["application.answered"],
        person="answered_by",
        moment="answered_at",
        of=lambda row, entry: entry.after.get("round") == row.round,
    ),
)
_SAID = (
    Deed(
        _STATED,
        agency="agency_id",
        person="person_id",
        moment="stated_at",
        of=lambda row, entry: entry.after.get("statement") == str(row.id),
    ),
)
_DECIDED = (
    Deed(
        _CONCLUDED,
        person="concluded_by",
        moment="concluded_at",
        of=lambda row, entry: entry.after.get("number") == row.number,
    ),
)


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
    register("need-deeds", deeds_follow_entries("need", Need, Need.id, _NEEDED))
    _parts()


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
    reasons = facts_follow_entries(
        "application",
        select(Application),
        Application.id,
        ["application.drafted", "application.withdrawn"],
        lambda row: {"reason": row.state_reason},
        first=_NO_REASON,
        means={"application.withdrawn": {"reason": UNSTATED}},
        opener=personal_details,
    )
    register("withdrawn-reason", reasons)
    register("application-case", applications.cases_follow_entries)
    register("form-content", applications.forms_unchanged)
    register("receipt-content", applications.receipts_unchanged)
    register("hand-over-content", applications.hand_overs_unchanged)
    register("answer-content", applications.answers_unchanged)
    register("application-deeds", deeds_follow_entries("application", Application, Application.id, _APPLIED))
    answers = deeds_follow_entries("application", Answer, Answer.application_id, _ANSWERED, identity=Answer.id)
    register("answer-deeds", answers)


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
    frozen = facts_follow_entries(
        "agreement",
        select(Agreement),
        Agreement.id,
        ["agreement.proposed", "agreement.terminated"],
        lambda row: {"digest": row.digest, "reason": row.termination_reason},
        first=_NO_REASON,
        means={"agreement.terminated": {"reason": UNSTATED}},
        opener=personal_details,
    )
    register("agreement-end", frozen)
    register("agreement-deeds", deeds_follow_entries("agreement", Agreement, Agreement.id, _AGREED))


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
    said = deeds_follow_entries("dispute", Statement, Statement.dispute_id, _SAID, identity=Statement.id)
    register("statement-deeds", said)
    decided = deeds_follow_entries("dispute", Conclusion, Conclusion.dispute_id, _DECIDED, identity=Conclusion.id)
    register("conclusion-deeds", decided)


def _grants() -> None:
    _rows("grant", Grant.id, ["grant.opened"])
    register("grant-state", states_follow_entries("grant", Grant.id, Grant.state, _GRANT_STATES))
    opened = facts_follow_entries(
        "grant", select(Grant), Grant.id, ["grant.opened"], grants.grant_facts, opener=personal_details
    )
    register("grant-content", opened)
    register("grant-used", grants.used_rows_add_up)
    register("grant-deeds", deeds_follow_entries("grant", Grant, Grant.id, _GRANTED))
    register("grant-held", grants.holds_follow_entries)
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
        means=grants.DIGEST_APART,
        beside=deeds_beside("release", ReleaseRecord.id, _RELEASED),
    )
    register("release-content", released)
    left = facts_follow_entries(
        "release",
        select(ReleaseRecord).where(ReleaseRecord.mode.in_([Mode.FILES, Mode.OFFLINE])),
        ReleaseRecord.id,
        ["release.completed"],
        lambda row: {"digest": row.digest},
        opener=personal_details,
    )
    register("release-digest", left)
    register("release-use", grants.uses_unchanged)


def _deliveries() -> None:
    _rows("delivery", Delivery.id, ["delivery.requested"])
    acknowledged = Delivery.acknowledgement.has()
    register("acknowledged", entries_have_rows("delivery", Delivery.id, ["delivery.acknowledged"], acknowledged))
    moved = facts_follow_entries(
        "delivery",
        select(Delivery).options(selectinload(Delivery.grant)),
        Delivery.id,
        deliveries.MOVED,
        deliveries.delivery_facts,
        first=deliveries.UNPREPARED,
        opener=personal_details,
        beside=deeds_beside("delivery", Delivery.id, _DELIVERED),
    )
    register("delivery-content", moved)
    prepared = facts_follow_entries(
        "delivery",
        select(Delivery),
        Delivery.id,
        ["delivery.prepared"],
        deliveries.prepared_facts,
        opener=personal_details,
    )
    register("delivery-prepared", prepared)
    register("receipt-of-delivery", deliveries.receipts_stand)
    given = deeds_follow_entries("delivery", Acknowledgement, Acknowledgement.delivery_id, _ACKNOWLEDGED)
    register("receipt-of-delivery-deeds", given)


def _parts() -> None:
    """Register that each part of a case that an entry records is here, once."""
    statements = parts_are_here(
        "dispute",
        Dispute.id,
        Statement.dispute_id,
        _STATED,
        lambda row: str(row.id),
        lambda entry: entry.after.get("statement"),
    )
    register("statement-entries", statements)
    conclusions = parts_are_here(
        "dispute",
        Dispute.id,
        Conclusion.dispute_id,
        _CONCLUDED,
        lambda row: row.number,
        lambda entry: entry.after.get("number"),
    )
    register("conclusion-entries", conclusions)
    answers = parts_are_here(
        "application",
        Application.id,
        Answer.application_id,
        ["application.answered"],
        lambda row: row.round,
        lambda entry: entry.after.get("round"),
    )
    register("answer-rounds", answers)
    hand_overs = parts_are_here(
        "application",
        Application.id,
        HandOver.application_id,
        ["application.handed_over"],
        lambda row: row.handed_over_on.isoformat(),
        lambda entry: entry.after.get("handed_over_on"),
    )
    register("hand-over-each", hand_overs)


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
