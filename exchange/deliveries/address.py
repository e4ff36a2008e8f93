"""Signed addresses of the portal's own: whoever holds one fetches for the person or program that it was made for."""

import hashlib
import hmac
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import NotAllowed, NotFound
from audit.actor import Actor
from directory.people.models import ApiClient
from directory.people.queries import actor_of_person
from directory.permissions import receive, require
from exchange.deliveries.models import Delivery

PERSON, PROGRAM = "person", "client"


def signed_address(secret: str, delivery: Delivery, actor: Actor, lifetime: timedelta) -> tuple[str, datetime]:
    """A signed path of the portal for one delivery, and when it ends.

    Args:
        secret: the portal's secret key.
        actor: the person or program of the receiving agency that it is made for; evidence of each fetch names them.
        lifetime: how long it is good for.
    """
    ends = system_now() + lifetime
    expires = int(ends.timestamp())
    holder = f"{PROGRAM}:{actor.client_id}" if actor.client_id else f"{PERSON}:{actor.person_id}"
    fields = {"agency": delivery.agency_id, "for": holder, "expires": expires}
    token = _token(secret, delivery.id, delivery.agency_id, holder, expires)
    return f"/files/{delivery.id}?{urlencode(fields, safe=':')}&token={token}", ends


def check_address(
    secret: str, delivery_id: uuid.UUID, agency_id: uuid.UUID, holder: str, expires: int, token: str
) -> None:
    """Check a signed address.

    Raises:
        NotAllowed: it was changed, or its time is over.
    """
    if not hmac.compare_digest(_token(secret, delivery_id, agency_id, holder, expires), token):
        raise NotAllowed(
            "address.bad", "This address is not one that the hub signed. Copy it anew from the delivery's page."
        )
    if expires < system_now().timestamp():
        raise NotAllowed("address.expired", "This address has expired. Get a new one on the delivery's page.")


def holder_of(session: Session, holder: str, network_address: str) -> Actor:
    """Whom an address that was checked was made for; of no agency once they left or the program was shut out."""
    kind, _, name = holder.partition(":")
    if kind == PROGRAM:
        actor = _program(session, name) or Actor(client_id=name)
    else:
        actor = _person(session, uuid.UUID(name))
    return replace(actor, address=network_address)


def require_receiver(holder: Actor, delivery_id: uuid.UUID, agency_id: uuid.UUID) -> None:
    """See that the holder of an address still receives for the agency that it was made for.

    Raises:
        NotAllowed: they left, changed agency or role, or the program was shut out.
    """
    about = "delivery.delivered", f"delivery/{delivery_id}"
    if holder.agency_id != agency_id:
        raise NotAllowed(
            "address.holder", "Whom this address was made for no longer receives for the agency. Get a new one."
        ).refused(*about)
    require(receive(holder, agency_id), *about)


def _person(session: Session, person_id: uuid.UUID) -> Actor:
    try:
        return actor_of_person(session, person_id)
    except NotFound:
        return Actor(person_id=person_id)


def _program(session: Session, client_id: str) -> Actor | None:
    live = ApiClient.client_id == client_id, ApiClient.revoked_at.is_(None)
    client = session.scalars(select(ApiClient).where(*live)).one_or_none()
    if client is None:
        return None
    return Actor(
        agency_id=client.agency_id,
        agency_code=client.agency.credit_code,
        roles=frozenset({"CLIENT"}),
        client_id=client.client_id,
        office=client.agency.office,
    )


def _token(secret: str, delivery_id: uuid.UUID, agency_id: uuid.UUID, holder: str, expires: int) -> str:
    text = f"{delivery_id}\n{agency_id}\n{holder}\n{expires}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
