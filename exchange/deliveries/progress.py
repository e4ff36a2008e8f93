"""How far a delivery is: prepared, failed, revoked. ``fetch`` marks it delivered, ``acknowledge`` ends it."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict
from adapters.texts import prose
from audit.actor import HUB, Actor
from audit.append import append
from audit.salted import salted
from directory import permissions
from exchange.deliveries import load
from exchange.deliveries.models import Delivery, DeliveryState
from exchange.grants.ended import matter_of
from exchange.grants.load import may_stop
from schemas.canonical import digest

CLOSED = (DeliveryState.FAILED, DeliveryState.REVOKED)


def mark_prepared(
    session: Session,
    delivery_id: uuid.UUID,
    *,
    release_id: uuid.UUID,
    object_key: str,
    file_name: str,
    rows: int,
    size: int,
    sha256: str,
    recipient_key_id: uuid.UUID | None = None,
    statement: Mapping[str, Any] | None = None,
) -> Delivery:
    """The file or package lies ready in the object store. A step that repeats changes nothing.

    Args:
        release_id: the release it was made under.
        size: bytes of the object; ``sha256`` (hex) is over them.
        recipient_key_id: the receiving key a package is encrypted to.
        statement: the signed statement inside a package.

    Raises:
        NotFound: no such delivery.
        Conflict: it was given up or revoked meanwhile; the object must not stay.
    """
    delivery = load.locked(session, delivery_id)
    if delivery.state in CLOSED:
        raise Conflict(
            "delivery.closed", "Delivery {number} was given up or revoked meanwhile.", number=delivery.number
        )
    if delivery.state != DeliveryState.REQUESTED:
        return delivery
    delivery.release_id, delivery.object_key, delivery.file_name = release_id, object_key, file_name
    delivery.rows, delivery.bytes, delivery.sha256 = rows, size, sha256
    delivery.recipient_key_id, delivery.statement = recipient_key_id, dict(statement) if statement else None
    delivery.prepared_at = system_now()
    stated, salt = salted({"sha256": sha256})
    after = {"release": str(release_id), "rows": rows, "bytes": size, **stated}
    told = {"file": digest(prepared_file(delivery)), "sha256": sha256, **salt}
    _move(session, HUB, delivery, DeliveryState.PREPARED, "delivery.prepared", after, personal=told)
    return delivery


def prepared_file(delivery: Delivery) -> dict[str, Any]:
    """Where the file lies, for whom it is encrypted and what its statement says; its digest is recorded by itself."""
    return {
        "object_key": delivery.object_key,
        "file_name": delivery.file_name,
        "recipient_key": str(delivery.recipient_key_id) if delivery.recipient_key_id else None,
        "statement": delivery.statement,
    }


def mark_failed(session: Session, delivery_id: uuid.UUID, *, problem: str) -> Delivery:
    """The delivery was given up; repeating changes nothing, and what is prepared already stays so.

    Raises:
        NotFound: no such delivery.
    """
    delivery = load.locked(session, delivery_id)
    if delivery.state == DeliveryState.REQUESTED:
        delivery.problem = problem[:4_000]
        why = {"problem": delivery.problem}
        _move(session, HUB, delivery, DeliveryState.FAILED, "delivery.failed", personal=why, outcome="FAILED")
    return delivery


def revoke(session: Session, actor: Actor, delivery_id: uuid.UUID, *, reason: str) -> Delivery:
    """Take back a delivery that was not acknowledged; its address answers nobody from then on.

    Raises:
        NotFound: no such delivery.
        NotAllowed: neither the provider nor a guard of security.
        Conflict: it is acknowledged, failed or revoked already.
        InvalidInput: no reason.
    """
    delivery = load.locked(session, delivery_id)
    matter = matter_of(delivery.grant)
    permissions.require(may_stop(actor, delivery.grant), "delivery.revoked", f"delivery/{delivery.id}", matter)
    if delivery.state in (*CLOSED, DeliveryState.ACKNOWLEDGED):
        raise Conflict("delivery.not_revocable", "This delivery is closed already. Its page shows how it ended.")
    delivery.problem = prose(reason, "/reason", most=4_000)
    prepared = delivery.state != DeliveryState.REQUESTED
    target = DeliveryState.REVOKED if prepared else DeliveryState.FAILED
    _move(session, actor, delivery, target, "delivery.revoked", personal={"reason": delivery.problem})
    return delivery


def _move(
    session: Session,
    actor: Actor,
    delivery: Delivery,
    state: DeliveryState,
    kind: str,
    after: Mapping[str, Any] | None = None,
    *,
    personal: Mapping[str, Any] | None = None,
    outcome: str = "DONE",
) -> None:
    before = {"state": delivery.state}
    delivery.state = state
    session.flush()
    append(
        session,
        kind,
        f"delivery/{delivery.id}",
        actor,
        outcome=outcome,
        matter=matter_of(delivery.grant),
        authority=f"grant/{delivery.grant.number}",
        before=before,
        after={
            "number": delivery.number,
            "resource": delivery.grant.resource.code,
            "state": state,
            **(after or {}),
        },
        personal=personal,
    )
