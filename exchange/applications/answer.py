"""The provider's answer, item by item and with reasons both ways ([M] Art. 14, 15¶2; R34, R35, R40)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import InvalidInput
from adapters.texts import prose, prose_problems
from audit.actor import Actor
from audit.append import append
from audit.salted import salted
from directory import permissions
from directory.catalogue.models import DataItem
from directory.catalogue.queries import published_version
from exchange.agreements.propose import propose
from exchange.applications import load
from exchange.applications.deadlines import last_conclusion
from exchange.applications.decisions import agreed_items, condition_refused, needs_agreement, open_items, standing_of
from exchange.applications.models import Answer, AnswerItem, Application, ApplicationState, Decision
from exchange.applications.states import Event, advance, require
from exchange.disputes.models import Outcome
from exchange.grants.offered import lost
from exchange.grants.open import open_grant
from exchange.numbers.allocate import Document, next_number
from exchange.refusals import basis_problems, clean_basis
from schemas.canonical import digest
from schemas.rule_sets import rule_set

LONGEST_REASON = 4_000


@dataclass(frozen=True)
class ItemAnswer:
    """The decision on one item; ``basis`` (see ``exchange.refusals``) is for refusals only."""

    field_name: str
    decision: Decision
    reason: str
    basis: Mapping[str, str] | None = None


def answer(
    session: Session,
    actor: Actor,
    application_id: uuid.UUID,
    *,
    reason: str,
    items: Sequence[ItemAnswer],
    expected: int | None = None,
) -> Answer:
    """Record the answer (答复意见) and let it take effect: a grant opens, or an agreement waits for signatures.

    An answer that comes late counts all the same; it is marked late. Round 1 decides every item, later rounds those
    that are still refused; what was agreed to stays agreed. Where the item that rows are chosen by is refused, nothing
    takes effect: each row would tell its value.

    Args:
        reason: of the answer as a whole.
        items: one decision for each open item.

    Raises:
        NotAllowed: not the provider's; the regulator cannot answer for it.
        Conflict: the application waits for no answer (any more), or is stale.
        InvalidInput: an item is missing or strange, a reason or basis is missing, or what was agreed to cannot be
        given.
    """
    application = load.locked(session, application_id, expected)
    subject = load.subject(application)
    permission = permissions.answer(actor, application.provider_id)
    permissions.require(permission, "application.answered", subject, subject)
    require(application.state, Event.ANSWERED)
    wanted = {item.field_name: item for item in open_items(application)}
    _require_fitting(session, application, wanted, reason, items)
    today = city_date(case_now(session))
    given = Answer(
        application_id=application.id,
        round=len(application.answers) + 1,
        number=next_number(session, application.provider, Document.ANSWER),
        reason=prose(reason, "/reason", most=LONGEST_REASON),
        answered_by=actor.person_id,
        answered_on=today,
        late=application.due_on is not None and today > application.due_on,
    )
    given.items = [_row(wanted[each.field_name], each) for each in items]
    application.answers.append(given)
    session.flush()
    _take_effect(session, actor, application, given, today)
    return given


def content(given: Answer) -> dict[str, Any]:
    """What an answer says, as JSON; its digest lies in its entry's encrypted part, so a changed reason shows."""
    decided = sorted(given.items, key=lambda each: each.data_item.position)
    return {
        "number": given.number,
        "application": str(given.application_id),
        "round": given.round,
        "answered_on": given.answered_on.isoformat(),
        "late": given.late,
        "reason": given.reason,
        "items": [
            {
                "field_name": each.data_item.field_name,
                "decision": each.decision,
                "reason": each.reason,
                "basis": each.basis,
            }
            for each in decided
        ],
    }


def _take_effect(session: Session, actor: Actor, application: Application, given: Answer, today: date) -> None:
    agreed = agreed_items(application)
    newly = any(each.decision == Decision.AGREED for each in given.items)
    before = {"state": application.state}
    told = content(given)
    stated, salt = salted(told)
    decided = {each["field_name"]: each["decision"] for each in told["items"]}
    subject = load.subject(application)
    append(
        session,
        "application.answered",
        subject,
        actor,
        matter=subject,
        authority=f"{application.rule_set} Art. {rule_set(application.rule_set).figure('answer').article}",
        before=before,
        after={
            "number": given.number,
            "round": given.round,
            "items": decided,
            "late": given.late,
            "due_on": str(application.due_on),
            **stated,
        },
        personal={"digest": digest(told), **salt},
        case_time=case_now(session),
    )
    if newly and today <= application.term_to and not condition_refused(application):
        if needs_agreement(application, agreed):
            propose(session, actor, application)
        else:
            open_grant(session, actor, application)
    application.state = advance(application.state, Event.ANSWERED, standing_of(session, application))
    session.flush()


def _row(item: DataItem, each: ItemAnswer) -> AnswerItem:
    refused = each.decision == Decision.REFUSED
    return AnswerItem(
        data_item_id=item.id,
        data_item=item,
        decision=each.decision,
        reason=each.reason.strip(),
        basis=clean_basis(each.basis or {}) if refused else None,
    )


def _require_fitting(
    session: Session, application: Application, wanted: Mapping[str, DataItem], reason: str, items: Sequence[ItemAnswer]
) -> None:
    names = [each.field_name for each in items]
    if set(names) != set(wanted) or len(names) != len(wanted):
        raise InvalidInput(
            "answer.items",
            "The answer must decide each of these items once: {items}. Add what is missing and remove what is not "
            "asked.",
            [{"pointer": "/items", "message": "Decide every open item once."}],
            items=", ".join(sorted(wanted)),
        )
    rules = rule_set(application.rule_set)
    version = published_version(session, application.resource_version.resource_id)
    gone = {name for name, _ in lost(tuple(wanted), version)}
    must_share = _ruled_to_share(session, application)
    problems = prose_problems({"/reason": reason}, most=LONGEST_REASON)
    for position, each in enumerate(items):
        pointer = f"/items/{position}"
        problems += prose_problems({f"{pointer}/reason": each.reason}, most=LONGEST_REASON)
        if each.decision == Decision.REFUSED:
            problems += basis_problems(each.basis, rules, f"{pointer}/basis")
            if must_share:
                message = "The leading group ruled that this item is shared. Agree to it."
                problems.append({"pointer": pointer, "code": "answer.ruled_to_share", "message": message})
        elif each.field_name in gone:
            message = "The published catalogue no longer offers this item. Refuse it on a basis, or publish it again."
            problems.append({"pointer": pointer, "code": "answer.not_offered", "message": message})
    if problems:
        sentence = "The answer was not recorded. Correct the marked places and send it again."
        raise InvalidInput("answer.incomplete", sentence, problems)


def _ruled_to_share(session: Session, application: Application) -> bool:
    if application.state != ApplicationState.ANSWER_DIRECTED:
        return False
    conclusion = last_conclusion(session, application.id)
    return conclusion is not None and conclusion.outcome == Outcome.RULED_TO_SHARE
