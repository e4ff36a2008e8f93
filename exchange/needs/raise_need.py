"""Raise a need for data that is not catalogued, or not shared ([M] Art. 14; R34)."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from adapters.texts import prose, prose_problems
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.agencies.models import Agency
from directory.catalogue.models import Resource
from directory.catalogue.queries import published_version
from exchange.needs.models import Need, NeedState
from exchange.numbers.allocate import Document, next_number
from schemas.canonical import digest
from schemas.rule_sets import rule_set_for
from schemas.words import SecrecyLevel, ShareAttribute

LONGEST = 4_000
"""Characters in each statement."""


def raise_need(
    session: Session,
    actor: Actor,
    *,
    provider_id: uuid.UUID,
    description: str,
    purpose: str,
    duty: str,
    resource_id: uuid.UUID | None = None,
) -> Need:
    """Ask an agency for what cannot be applied for.

    Args:
        provider_id: the agency that holds it.
        resource_id: its catalogue entry, where the data is catalogued and not shared.

    Raises:
        NotAllowed: not a requester, own data, or a state secret.
        NotFound: no such agency, or no such entry of it.
        Conflict: ``need.apply_instead``, everything in the entry is shared.
        InvalidInput: ``need.incomplete`` with every statement that is missing or cannot be.
    """
    permissions.require(permissions.raise_need(actor, provider_id), "need.raised", f"agency/{provider_id}")
    problems = statement_problems(description, purpose, duty)
    if problems:
        raise incomplete(problems)
    if session.get(Agency, provider_id) is None:
        raise NotFound("need.unknown_agency", "There is no such agency. Choose the one that holds the data.")
    if resource_id is not None:
        _require_unshared(session, provider_id, resource_id)
    now = case_now(session)
    need = Need(
        id=uuid.uuid4(),
        number=next_number(session, session.get_one(Agency, actor.agency_id), Document.NEED),
        state=NeedState.RAISED,
        requester_id=actor.agency_id,
        provider_id=provider_id,
        resource_id=resource_id,
        description=prose(description, "/description", most=LONGEST),
        purpose=prose(purpose, "/purpose", most=LONGEST),
        duty=prose(duty, "/duty", most=LONGEST),
        rule_set=rule_set_for(city_date(now)).key,
        raised_by=actor.answerable_id,
    )
    session.add(need)
    session.flush()
    _record(session, actor, need, now)
    return need


def incomplete(problems: list[dict[str, str]]) -> InvalidInput:
    """The error of a need with such problems, each at its place."""
    return InvalidInput(
        "need.incomplete", "The need was not raised. Correct the marked places and send it again.", problems
    )


def statement_problems(description: str, purpose: str, duty: str) -> list[dict[str, str]]:
    """Everything wrong with what a need states, for a form that has more to find fault with."""
    return prose_problems({"/description": description, "/purpose": purpose, "/duty": duty}, most=LONGEST)


def content(need: Need) -> dict[str, str]:
    """What a need says, as JSON; its digest lies in its entry's encrypted part."""
    return {"description": need.description, "purpose": need.purpose, "duty": need.duty}


def _record(session: Session, actor: Actor, need: Need, now: datetime) -> None:
    append(
        session,
        "need.raised",
        f"need/{need.id}",
        actor,
        authority=f"{need.rule_set} Art. 14",
        after={
            "number": need.number,
            "state": need.state,
            "provider": str(need.provider_id),
            "resource": str(need.resource_id) if need.resource_id else None,
        },
        personal={"digest": digest(content(need))},
        case_time=now,
    )


def _require_unshared(session: Session, provider_id: uuid.UUID, resource_id: uuid.UUID) -> None:
    resource = session.get(Resource, resource_id)
    if resource is None or resource.agency_id != provider_id:
        raise NotFound(
            "need.unknown_resource", "The agency has no such catalogue entry. Choose one of its entries, or none."
        )
    version = published_version(session, resource_id)
    if version is None:
        return
    if version.secrecy_level == SecrecyLevel.STATE_SECRET:
        raise NotAllowed(
            "need.state_secret",
            "State secrets never travel over this platform. Ask the agency on the carrier that secrecy rules "
            "prescribe.",
        ).refused("need.raised", f"resource_version/{version.id}")
    if all(item.share_attribute != ShareAttribute.NO_SHARING for item in version.items):
        raise Conflict(
            "need.apply_instead", "Everything in this catalogue entry is shared. Use it, or apply for it on its page."
        )
