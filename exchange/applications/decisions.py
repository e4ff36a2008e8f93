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
from schemas.words import SecrecyLevel, Sensitivity


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


def needs_agreement(application: Application, items: Sequence[DataItem]) -> bool:
    """Whether a secrecy agreement must be signed before these items are delivered ([M] Art. 15¶4)."""
    if not rule_set(application.rule_set).step("agreement_required_for_sensitive"):
        return False
    secret = application.resource_version.secrecy_level != SecrecyLevel.NON_SECRET
    return secret or any(Sensitivity(item.sensitivity).needs_agreement for item in items)


def standing_of(session: Session, application: Application) -> Standing:
    """What has come of an application, read from what was flushed."""
    agreement = select(Agreement.id).where(
        Agreement.application_id == application.id, Agreement.state == AgreementState.PROPOSED
    )
    grant = select(Grant.id).where(Grant.application_id == application.id, Grant.state != GrantState.ENDED)
    return Standing(
        agreed=bool(agreed_items(application)),
        agreement_open=session.scalar(agreement.limit(1)) is not None,
        granted=session.scalar(grant.limit(1)) is not None,
    )


def _decision(item: DataItem, last: tuple[Answer, AnswerItem] | None) -> ItemDecision:
    if last is None:
        return ItemDecision(item)
    answer, decided = last
    return ItemDecision(item, Decision(decided.decision), decided.reason, decided.basis, answer.round)
