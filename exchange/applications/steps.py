"""Which steps an actor may take in a case now: what a page shows as buttons.

The services check again by the same rules.
"""

from collections.abc import Sequence
from enum import StrEnum

from audit.actor import Actor
from directory import permissions
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications.decisions import open_items
from exchange.applications.models import Application, ApplicationState
from exchange.applications.receipt import SETTLEABLE
from exchange.applications.states import Event, admits
from exchange.disputes.models import Dispute, DisputeState
from exchange.grants.load import is_security, may_end, may_stop
from exchange.grants.models import Grant, GrantState, Suspender
from schemas.rule_sets import rule_set


class Step(StrEnum):
    """What can be done in a case."""

    AMEND = "AMEND"
    GENERATE_FORM = "GENERATE_FORM"
    RECORD_HAND_OVER = "RECORD_HAND_OVER"
    REGISTER_RECEIPT = "REGISTER_RECEIPT"
    SETTLE_RECEIPT = "SETTLE_RECEIPT"
    ANSWER = "ANSWER"
    WITHDRAW = "WITHDRAW"
    SIGN = "SIGN"
    TERMINATE_AGREEMENT = "TERMINATE_AGREEMENT"
    RAISE_DISPUTE = "RAISE_DISPUTE"
    WITHDRAW_DISPUTE = "WITHDRAW_DISPUTE"
    STATE = "STATE"
    ASK_DEPARTMENT = "ASK_DEPARTMENT"
    CONCLUDE = "CONCLUDE"
    ESCALATE = "ESCALATE"
    RULE = "RULE"
    REQUEST_DELIVERY = "REQUEST_DELIVERY"
    SUSPEND_GRANT = "SUSPEND_GRANT"
    RESUME_GRANT = "RESUME_GRANT"
    END_GRANT = "END_GRANT"


def steps_of(
    actor: Actor,
    application: Application,
    agreements: Sequence[Agreement],
    grants: Sequence[Grant],
    disputes: Sequence[Dispute],
) -> frozenset[Step]:
    """Every step that the actor may take in the case of an application.

    Args:
        agreements: all of the application, likewise ``grants`` and ``disputes``.
    """
    found = _of_application(actor, application, disputes)
    for agreement in agreements:
        found |= _of_agreement(actor, application, agreement)
    for grant in grants:
        found |= steps_of_grant(actor, grant)
    for dispute in disputes:
        found |= steps_of_dispute(actor, dispute)
    return frozenset(found)


def steps_of_grant(actor: Actor, grant: Grant) -> set[Step]:
    """Steps on one grant, a standing one too."""
    found: set[Step] = set()
    if grant.state == GrantState.ACTIVE:
        if _allowed(permissions.receive(actor, grant.requester_id)):
            found.add(Step.REQUEST_DELIVERY)
        if _allowed(may_stop(actor, grant)):
            found.add(Step.SUSPEND_GRANT)
    resumable = grant.suspended_by != Suspender.SECURITY or is_security(actor, grant.provider_id)
    if grant.state == GrantState.SUSPENDED and resumable and _allowed(may_stop(actor, grant)):
        found.add(Step.RESUME_GRANT)
    if grant.state != GrantState.ENDED and _allowed(may_end(actor, grant)):
        found.add(Step.END_GRANT)
    return found


def steps_of_dispute(actor: Actor, dispute: Dispute) -> set[Step]:
    """Steps in one dispute."""
    application, state = dispute.application, dispute.state
    if state not in (DisputeState.OPEN, DisputeState.ESCALATED):
        return set()
    found: set[Step] = set()
    sides = (application.requester_id, application.provider_id)
    asked = {each.asked_id for each in dispute.statements if each.asked_id is not None}
    if _allowed(permissions.state_in_dispute(actor, *sides, asked)):
        found.add(Step.STATE)
    if _allowed(permissions.act_for_requester(actor, application.requester_id)):
        found.add(Step.WITHDRAW_DISPUTE)
    if _allowed(permissions.conclude_dispute(actor, *sides)):
        found.add(Step.ASK_DEPARTMENT)
        if state == DisputeState.ESCALATED:
            found.add(Step.RULE)
        else:
            found.add(Step.CONCLUDE)
            if rule_set(application.rule_set).step("ruling_step"):
                found.add(Step.ESCALATE)
    return found


def _of_application(actor: Actor, application: Application, disputes: Sequence[Dispute]) -> set[Step]:
    state, found = ApplicationState(application.state), set[Step]()
    if _allowed(permissions.act_for_requester(actor, application.requester_id)):
        found |= _of_requester(application, state, disputes)
    if _allowed(permissions.register_receipt(actor, application.provider_id)) and admits(state, Event.RECEIVED):
        found.add(Step.REGISTER_RECEIPT)
    if _allowed(permissions.answer(actor, application.provider_id)) and admits(state, Event.ANSWERED):
        found.add(Step.ANSWER)
    if _allowed(permissions.settle_receipt(actor, application.requester_id, application.provider_id)):
        paper = rule_set(application.rule_set).step("written_receipt_starts_clock")
        if state in SETTLEABLE and paper and (application.receipt or application.hand_overs):
            found.add(Step.SETTLE_RECEIPT)
    return found


def _of_requester(application: Application, state: ApplicationState, disputes: Sequence[Dispute]) -> set[Step]:
    found: set[Step] = set()
    if state == ApplicationState.DRAFT:
        found |= {Step.AMEND, Step.GENERATE_FORM}
    if state in (ApplicationState.FORM_GENERATED, ApplicationState.RECEIVED):
        found.add(Step.RECORD_HAND_OVER)
    if admits(state, Event.WITHDRAWN):
        found.add(Step.WITHDRAW)
    answered = len(application.answers)
    objected = any(dispute.answer_round == answered for dispute in disputes)
    if admits(state, Event.DISPUTE_RAISED) and not objected and open_items(application):
        found.add(Step.RAISE_DISPUTE)
    return found


def _of_agreement(actor: Actor, application: Application, agreement: Agreement) -> set[Step]:
    sides = (application.requester_id, application.provider_id)
    if agreement.state == AgreementState.TERMINATED or not _allowed(permissions.sign_agreement(actor, *sides)):
        return set()
    found = {Step.TERMINATE_AGREEMENT}
    signed = any(each.agency_id == actor.agency_id for each in agreement.signatures)
    if agreement.state == AgreementState.PROPOSED and not signed:
        found.add(Step.SIGN)
    return found


def _allowed(decision: permissions.Decision) -> bool:
    return isinstance(decision, permissions.Allowed)
