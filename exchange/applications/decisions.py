"""What the answers so far decided, item by item.

Each round answers what is still refused, so the last word on an item counts.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.catalogue.models import DataItem
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications.models import Answer, AnswerItem, Application, Decision
from exchange.applications.states import Standing
from exchange.grants.models import Grant, GrantState
from schemas.rule_sets import rule_set
from schemas.words import SecrecyLevel, Sensitivity, ShareAttribute


@dataclass(frozen=True)
class ItemDecision:
    """An item applied for and the last word on it; ``decision`` is None before the first answer."""

    item: DataItem
    decision: Decision | None = None
    reason: str = ""
    basis: dict[str, str] | None = None
    round: int = 0


def decisions(application: Application) -> tuple[ItemDecision, ...]:
    """Every item applied for with the last word on it, in catalogue order."""
    last: dict[uuid.UUID, tuple[Answer, AnswerItem]] = {}
    for answer in sorted(application.answers, key=lambda each: each.round):
        last |= {item.data_item_id: (answer, item) for item in answer.items}
    wanted = sorted((each.data_item for each in application.items), key=lambda item: item.position)
    return tuple(_decision(item, last.get(item.id)) for item in wanted)


def open_items(application: Application) -> tuple[DataItem, ...]:
    """The items that the next answer has to decide: all of them first, later those that are refused."""
    return tuple(each.item for each in decisions(application) if each.decision != Decision.AGREED)


def agreed_items(application: Application) -> tuple[DataItem, ...]:
    """The items agreed to so far, in catalogue order."""
    return tuple(each.item for each in decisions(application) if each.decision == Decision.AGREED)


def agreed_to(application: Application) -> bool:
    """Whether something was agreed to that can be granted."""
    return bool(agreed_items(application)) and not condition_refused(application)


def condition_item(application: Application) -> DataItem | None:
    """The item that rows are chosen by; None for all rows."""
    name = application.row_condition.get("field")
    return next((item for item in application.resource_version.items if item.field_name == name), None)


def condition_refused(application: Application) -> bool:
    """Whether rows are to be chosen by an item that the requester may not have: each row would tell its value.

    Then nothing can be granted, whatever else was agreed to, until the requester applies anew without the condition or
    a later answer agrees to the item. A UNIVERSAL item is everybody's.
    """
    if not application.row_condition:
        return False
    item = condition_item(application)
    if item is None or item.masking:
        return True
    return item.share_attribute != ShareAttribute.UNIVERSAL and item not in agreed_items(application)


def needs_agreement(application: Application, items: Sequence[DataItem]) -> bool:
    """Whether a secrecy agreement must be signed before these items are delivered ([M] Art. 15¶4).

    The item that rows are chosen by counts too.
    """
    if not rule_set(application.rule_set).step("agreement_required_for_sensitive"):
        return False
    secret = application.resource_version.secrecy_level != SecrecyLevel.NON_SECRET
    chosen_by = condition_item(application)
    told = [*items, chosen_by] if chosen_by is not None else items
    return secret or any(Sensitivity(item.sensitivity).needs_agreement for item in told)


def standing_of(session: Session, application: Application) -> Standing:
    """What has come of an application, read from what was flushed."""
    agreement = select(Agreement.id).where(
        Agreement.application_id == application.id, Agreement.state == AgreementState.PROPOSED
    )
    grant = select(Grant.id).where(Grant.application_id == application.id, Grant.state != GrantState.ENDED)
    return Standing(
        agreed=agreed_to(application),
        agreement_open=session.scalar(agreement.limit(1)) is not None,
        granted=session.scalar(grant.limit(1)) is not None,
    )


def _decision(item: DataItem, last: tuple[Answer, AnswerItem] | None) -> ItemDecision:
    if last is None:
        return ItemDecision(item)
    answer, decided = last
    return ItemDecision(item, Decision(decided.decision), decided.reason, decided.basis, answer.round)
