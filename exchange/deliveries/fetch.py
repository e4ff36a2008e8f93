"""Hand out a prepared file or package: each fetch is a release of its own over a range of it ([M] Art. 16; R44, R49).

The rows were charged when the file was made, so a fetch charges nothing; its release says which bytes left.
"""

import uuid

from sqlalchemy import func, literal, update
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotFound, Terminal
from audit.actor import Actor
from audit.append import append
from audit.salted import salted
from exchange import release as door
from exchange.deliveries import load
from exchange.deliveries.models import Delivery, DeliveryState
from exchange.grants.models import ReleaseRecord
from exchange.release import Release, ReleaseRequest, StoredBytes
from schemas.words import Mode

FETCHABLE = frozenset({DeliveryState.PREPARED, DeliveryState.DELIVERED, DeliveryState.ACKNOWLEDGED})


def prepared(session: Session, actor: Actor, delivery_id: uuid.UUID) -> Delivery:
    """A delivery whose bytes the actor's agency may ask for; nothing leaves by this.

    Raises:
        NotFound: the actor's agency has no such delivery.
        Conflict: it is not prepared (yet), or was revoked.
    """
    return _fetchable(session.get(Delivery, delivery_id), actor)


def open_prepared(session: Session, actor: Actor, delivery_id: uuid.UUID, start: int, stop: int) -> Release:
    """Leave to send a range of a prepared delivery to its agency. Commits the evidence; only then may a byte leave.

    Args:
        start, stop: first byte and the one after the last.

    Raises:
        NotFound, Conflict: as ``prepared``; a revocation that was committed first counts.
        ReleaseRefused: the grant no longer allows it; evidenced.
    """
    delivery = _fetchable(load.locked(session, delivery_id), actor)
    made = session.get_one(ReleaseRecord, delivery.release_id)
    request = ReleaseRequest(actor, Mode(delivery.mode), delivery.purpose, delivery.matter)
    stored = StoredBytes(
        delivery.id, made.dataset_version_id, delivery.object_key, start, stop, delivery.bytes, made.extract_id
    )
    return door.authorise(session, delivery.grant_id, request, stored=stored)


def close_whole(session: Session, release: Release, *, digest: str) -> None:
    """The asked range leaves whole. When all fetches together cover the file, it is delivered. Commits.

    Args:
        digest: SHA-256 of the range, hex.

    Raises:
        Conflict: the delivery was revoked meanwhile.
    """
    stored = _stored(release)
    delivery = _fetchable(load.locked(session, stored.delivery_id), release.request.actor)
    covered = _note(session, delivery, stored.start, stored.stop)
    if covered and delivery.state == DeliveryState.PREPARED:
        _deliver(session, release, delivery)
    door.complete(session, release, rows=0, size=stored.stop - stored.start, digest=digest)


def close_cut(session: Session, release: Release, *, size: int, reason: str) -> None:
    """The fetch broke off after ``size`` bytes; whether the last of them arrived, nobody knows. Commits."""
    stored = _stored(release)
    if size:
        delivery = load.locked(session, stored.delivery_id)
        _note(session, delivery, stored.start, min(stored.start + size, stored.stop - 1))
    door.abort(session, release, rows=0, size=size, reason=reason)


def _fetchable(delivery: Delivery | None, actor: Actor) -> Delivery:
    unknown = NotFound("delivery.unknown", "There is no such delivery for your agency.")
    if delivery is None:
        raise unknown
    if delivery.agency_id != actor.agency_id:
        raise unknown.refused("delivery.delivered", f"delivery/{delivery.id}")
    if delivery.state not in FETCHABLE:
        raise Conflict("delivery.not_prepared", "The delivery is not ready. Its page shows how far it is.")
    return delivery


def _stored(release: Release) -> StoredBytes:
    if release.stored is None:
        raise Terminal("release.not_stored", "This release is not for stored bytes.")
    return release.stored


def _note(session: Session, delivery: Delivery, start: int, stop: int) -> bool:
    """Note bytes that left of a locked delivery; whether nothing of it is missing now."""
    left = func.int8multirange(func.int8range(start, stop))
    covered = Delivery.sent.bool_op("@>")(func.int8range(literal(0), Delivery.bytes))
    noted = update(Delivery).where(Delivery.id == delivery.id).values(sent=Delivery.sent.op("+")(left))
    return bool(session.scalar(noted.returning(covered).execution_options(synchronize_session=False)))


def _deliver(session: Session, release: Release, delivery: Delivery) -> None:
    before = {"state": delivery.state}
    delivery.state, delivery.delivered_at = DeliveryState.DELIVERED, system_now()
    session.flush()
    stated, salt = salted({"sha256": delivery.sha256})
    append(
        session,
        "delivery.delivered",
        f"delivery/{delivery.id}",
        release.request.actor,
        matter=release.terms.matter,
        authority=f"grant/{release.terms.number}",
        before=before,
        after={
            "number": delivery.number,
            "resource": release.terms.resource_code,
            "state": delivery.state,
            "release": str(release.id),
            "bytes": delivery.bytes,
            "rows": delivery.rows,
            **stated,
        },
        personal={"sha256": delivery.sha256, **salt},
    )
