"""Agreements as the two sides read them."""

import uuid

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, selectinload

from adapters.listing import Listing, Order
from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from directory import permissions
from exchange.agreements import load
from exchange.agreements.models import Agreement, AgreementSignature, AgreementState
from exchange.applications.models import Application

_NEWEST = (Agreement.created_at, Agreement.id)


def detail(session: Session, actor: Actor, agreement_id: uuid.UUID) -> Agreement:
    """An agreement with its application and signatures.

    Raises:
        NotFound: there is none.
        NotAllowed: the actor is no side of it and does not supervise.
    """
    agreement = session.get(Agreement, agreement_id, options=[selectinload(Agreement.signatures)])
    if agreement is None:
        raise load.unknown()
    application = agreement.application
    permissions.require(permissions.see_case(actor, application.requester_id, application.provider_id))
    return agreement


def mine(
    session: Session, actor: Actor, *, state: str | None = None, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[Agreement]:
    """Agreements of the actor's agency, newest first."""
    return own(actor).page(session, {"state": [state]} if state else {}, cursor=cursor, limit=limit)


def own(actor: Actor) -> Listing[Agreement]:
    """Agreements of the actor's agency, as a list to narrow and to order."""
    return Listing(
        _of_agency(actor),
        {"state": Agreement.state, "provider": Application.provider_id, "requester": Application.requester_id},
        {
            "newest": Order(_NEWEST, descending=True),
            "oldest": Order(_NEWEST),
            "ends": Order((Agreement.valid_to, Agreement.id)),
        },
        (selectinload(Agreement.signatures),),
    )


def to_sign(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page[Agreement]:
    """Agreements that wait for the signature of the actor's agency, newest first."""
    signed = select(AgreementSignature.agreement_id).where(AgreementSignature.agency_id == actor.agency_id)
    waiting = _of_agency(actor).where(Agreement.state == AgreementState.PROPOSED, Agreement.id.not_in(signed))
    waiting = waiting.options(selectinload(Agreement.signatures))
    return page_of(session, waiting, _NEWEST, cursor=cursor, limit=limit, descending=True)


def _of_agency(actor: Actor) -> Select[Agreement]:
    side = or_(Application.requester_id == actor.agency_id, Application.provider_id == actor.agency_id)
    return select(Agreement).join(Application).where(side)
