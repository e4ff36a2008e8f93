"""Hand out a prepared file or package: checked again, evidenced before the first byte ([M] Art. 16; R44, R49)."""

import hashlib
import hmac
import uuid
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotAllowed, NotFound
from audit.actor import Actor
from audit.append import append
from exchange.deliveries.models import Delivery, DeliveryState
from exchange.release import Release, ReleaseRequest, check
from schemas.words import Mode

FETCHABLE = frozenset({DeliveryState.PREPARED, DeliveryState.DELIVERED, DeliveryState.ACKNOWLEDGED})


def open_prepared(session: Session, actor: Actor, delivery_id: uuid.UUID) -> tuple[Delivery, Release]:
    """Leave to send a prepared delivery to its agency. Commits the evidence; only then may a byte leave.

    Raises:
        NotFound: the actor's agency has no such delivery.
        Conflict: it is not prepared (yet).
        ReleaseRefused: the grant no longer allows it; evidenced.
    """
    delivery = session.get(Delivery, delivery_id)
    if delivery is None or delivery.agency_id != actor.agency_id:
        raise NotFound("delivery.unknown", "There is no such delivery for your agency.")
    if delivery.state not in FETCHABLE:
        raise Conflict("delivery.not_prepared", "The delivery is not ready. Its page shows how far it is.")
    request = ReleaseRequest(actor, Mode(delivery.mode), delivery.purpose, delivery.matter)
    release = check(session, delivery.grant_id, request, prepared_object=delivery.object_key)
    if delivery.state == DeliveryState.PREPARED:
        delivery.state, delivery.delivered_at = DeliveryState.DELIVERED, system_now()
    append(
        session,
        "delivery.delivered",
        f"delivery/{delivery.id}",
        actor,
        matter=release.terms.matter,
        authority=f"grant/{release.terms.number}",
        after={"number": delivery.number, "sha256": delivery.sha256, "bytes": delivery.bytes, "rows": delivery.rows},
    )
    session.commit()
    return delivery, release


def signed_address(secret: str, delivery: Delivery, lifetime: timedelta) -> tuple[str, datetime]:
    """A signed path of the portal for one delivery, and when it ends; whoever holds it may fetch until then.

    Args:
        secret: the portal's secret key.
        lifetime: how long it is good for.
    """
    expires = int((system_now() + lifetime).timestamp())
    token = _token(secret, delivery.id, delivery.agency_id, expires)
    return f"/files/{delivery.id}?agency={delivery.agency_id}&expires={expires}&token={token}", system_now() + lifetime


def check_address(secret: str, delivery_id: uuid.UUID, agency_id: uuid.UUID, expires: int, token: str) -> None:
    """Check a signed address.

    Raises:
        NotAllowed: it was changed, or its time is over.
    """
    if not hmac.compare_digest(_token(secret, delivery_id, agency_id, expires), token):
        raise NotAllowed(
            "address.bad", "This address is not one that the hub signed. Copy it anew from the delivery's page."
        )
    if expires < system_now().timestamp():
        raise NotAllowed("address.expired", "This address has expired. Get a new one on the delivery's page.")


def _token(secret: str, delivery_id: uuid.UUID, agency_id: uuid.UUID, expires: int) -> str:
    text = f"{delivery_id}\n{agency_id}\n{expires}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
