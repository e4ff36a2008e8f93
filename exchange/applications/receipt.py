"""Registering the receipt of the written form, which starts the ten working days ([M] Art. 15¶2; R39, R40)."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import Conflict, InvalidInput
from adapters.texts import line, prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from exchange.applications import load
from exchange.applications.deadlines import start_clock
from exchange.applications.models import Application, ApplicationState, WrittenReceipt
from exchange.applications.states import Event, advance, require
from schemas.canonical import digest
from schemas.rule_sets import rule_set

SETTLEABLE = (ApplicationState.FORM_GENERATED, ApplicationState.RECEIVED)


def register_receipt(
    session: Session, actor: Actor, application_id: uuid.UUID, *, received_on: date, receiver: str
) -> WrittenReceipt:
    """Register the day on which the provider received the written form (书面件收讫). The answer is due from that day.

    Args:
        received_on: from the form's day to today, by the case clock.
        receiver: who took the paper, up to 300 characters.

    Raises:
        NotAllowed: not the provider's.
        Conflict: there is no form yet, or it is received already.
        InvalidInput: the day cannot be.
    """
    application = load.locked(session, application_id)
    subject = load.subject(application)
    permission = permissions.register_receipt(actor, application.provider_id)
    permissions.require(permission, "application.received", subject, subject)
    require(application.state, Event.RECEIVED)
    require_day(application, received_on, city_date(case_now(session)), "/received_on")
    receipt = WrittenReceipt(
        application_id=application.id,
        received_on=received_on,
        receiver=line(receiver, "/receiver"),
        registered_by=actor.person_id,
        settled_by_office=False,
    )
    application.receipt = receipt
    application.state = advance(application.state, Event.RECEIVED)
    _count_from(session, actor, receipt, received_on, "application.received")
    return receipt


def settle_receipt(
    session: Session, actor: Actor, application_id: uuid.UUID, *, received_on: date, reason: str
) -> WrittenReceipt:
    """Settle a disputed day of receipt: the provider registered none, or a wrong one. The answer is due from that day.

    Args:
        received_on: from the form's day to today, by the case clock.
        reason: on what proof the office settles it.

    Raises:
        NotAllowed: not the coordinating office, or it is a side of the case.
        Conflict: nothing to settle: no form, no recorded hand-over and no receipt, answered already, or no paper
        needed.
        InvalidInput: the day cannot be.
    """
    application = load.locked(session, application_id)
    subject = load.subject(application)
    permission = permissions.settle_receipt(actor, application.requester_id, application.provider_id)
    permissions.require(permission, "application.receipt_settled", subject, subject)
    paper = rule_set(application.rule_set).step("written_receipt_starts_clock")
    if application.state not in SETTLEABLE or not paper or not (application.receipt or application.hand_overs):
        raise Conflict(
            "application.nothing_to_settle",
            "There is no day of receipt to settle. The requester records the hand-over with its proof first; after the "
            "answer nothing is settled any more.",
        )
    require_day(application, received_on, city_date(case_now(session)), "/received_on")
    why = prose(reason, "/reason")
    receipt = application.receipt
    if receipt is None:
        receipt = WrittenReceipt(application_id=application.id, receiver="")
        application.receipt = receipt
        application.state = advance(application.state, Event.RECEIVED)
    receipt.received_on, receipt.settled_by_office = received_on, True
    receipt.registered_by = actor.person_id or receipt.registered_by
    _count_from(session, actor, receipt, received_on, "application.receipt_settled", reason=why)
    return receipt


def require_day(application: Application, day: date, today: date, pointer: str) -> None:
    """Refuse a day before the form was generated or after today.

    Raises:
        InvalidInput: ``application.bad_day``.
    """
    generated_on = date.fromisoformat(application.form["date"]) if application.form else today
    if not generated_on <= day <= today:
        raise InvalidInput(
            "application.bad_day",
            "The day {day} cannot be: the form was generated on {generated_on}, and today is {today}. Give a day "
            "between.",
            [{"pointer": pointer, "message": "Give a day from the form's day to today."}],
            day=day.isoformat(),
            generated_on=generated_on.isoformat(),
            today=today.isoformat(),
        )


def content(receipt: WrittenReceipt) -> dict[str, Any]:
    """What a receipt says, as JSON; its digest lies in its entry's encrypted part, because it names a person."""
    return {
        "application": str(receipt.application_id),
        "received_on": receipt.received_on.isoformat(),
        "receiver": receipt.receiver,
        "registered_by": str(receipt.registered_by),
        "settled_by_office": receipt.settled_by_office,
    }


def _count_from(
    session: Session, actor: Actor, receipt: WrittenReceipt, day: date, kind: str, reason: str = ""
) -> None:
    application = receipt.application
    before = {"received_on": application.received_on and application.received_on.isoformat()}
    application.received_on = day
    start_clock(session, application, day)
    session.flush()
    append(
        session,
        kind,
        load.subject(application),
        actor,
        matter=load.subject(application),
        authority=f"{application.rule_set} Art. {rule_set(application.rule_set).figure('answer').article}",
        before=before,
        after={
            "state": application.state,
            "received_on": day.isoformat(),
            "due_on": str(application.due_on),
            "provisional": application.due_provisional,
            "calendars": list(application.calendar_versions),
        },
        personal={"reason": reason, "receipt": digest(content(receipt))},
        case_time=case_now(session),
    )
