"""Deliveries for programs: ask, follow, fetch by signed address, acknowledge."""

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, url_for

from audit.promise import promised_about
from directory.keys.signing import signature_from_text
from exchange.deliveries import queries
from exchange.deliveries.acknowledge import acknowledge as acknowledge_delivery
from exchange.deliveries.address import signed_address
from exchange.deliveries.fetch import FETCHABLE
from exchange.deliveries.models import Delivery, DeliveryState, FileFormat
from exchange.deliveries.request import request as request_delivery
from portal.access import current_actor
from portal.api.endpoint import endpoint, page_body, paging, version_one
from portal.api.shapes import MAYBE_MOMENT, MOMENT, TEXT, UUID
from portal.bundles import bundle_answer
from portal.edge import current_session, portal_settings
from portal.wake import wake_after_commit
from schemas.words import Mode

blueprint: Blueprint = version_one("deliveries")
DELIVERY = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "number": {"type": "string"},
        "state": {"type": "string"},
        "grant_id": UUID,
        **dict.fromkeys(("mode", "format", "purpose", "matter", "file_name"), TEXT),
        "problem": {"type": "string", "description": "Why it failed or was revoked"},
        "requested_at": MOMENT,
        "prepared_at": MAYBE_MOMENT,
        "delivered_at": MAYBE_MOMENT,
        "rows": {"type": "integer"},
        "bytes": {"type": "integer"},
        "sha256": {"type": "string"},
        "address": {"type": ["string", "null"], "description": "Signed path; whoever holds it may fetch until then"},
        "address_expires_at": {"type": ["string", "null"], "format": "date-time"},
        "promise": {
            "type": ["string", "null"],
            "description": "The log's signed promise of the newest 16 entries about this delivery and its fetches",
        },
    },
}


@blueprint.post("/deliveries")
@endpoint("Ask for a file or a package", request="delivery-request", response=DELIVERY, status=201, creates=True)
def create(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Airflow prepares it; ask again for its state."""
    made = request_delivery(
        current_session(),
        current_actor(),
        grant_id=uuid.UUID(body["grant_id"]),
        mode=Mode(body["mode"]),
        format=FileFormat(body["format"]),
        purpose=body["purpose"],
        matter=body["matter"],
    )
    wake_after_commit(made.work_id)
    return _delivery(made), url_for("api_deliveries.show", delivery_id=made.id)


@blueprint.get("/deliveries")
@endpoint("Deliveries to my agency", response=DELIVERY, paged=True)
def index() -> dict[str, Any]:
    """The newest first."""
    cursor, limit = paging()
    page = queries.mine(current_session(), current_actor(), cursor=cursor, limit=limit)
    return page_body([_delivery(one) for one in page.items], page.next_cursor)


@blueprint.get("/deliveries/<uuid:delivery_id>")
@endpoint("One delivery, with its signed address when it is ready", response=DELIVERY)
def show(delivery_id: uuid.UUID) -> dict[str, Any]:
    """A delivery to the caller's agency or from its resources; the address is for the receiver alone."""
    actor, settings = current_actor(), portal_settings()
    found = queries.detail(current_session(), actor, delivery_id)
    promise = promised_about(current_session(), settings, *queries.subjects(current_session(), found))
    body = _delivery(found) | {"promise": promise or None}
    if found.agency_id == actor.agency_id and DeliveryState(found.state) in FETCHABLE:
        lifetime = timedelta(seconds=settings.address_seconds)
        body["address"], body["address_expires_at"] = signed_address(settings.secret_key, found, actor, lifetime)
    return body


@blueprint.get("/deliveries/<uuid:delivery_id>/evidence")
@endpoint("The evidence bundle of a delivery", commits=True, media_type="application/zip")
def evidence(delivery_id: uuid.UUID) -> Response:
    """Entries with proofs, grant, agreement, answer, receipt, public keys; `shuniu audit check` checks it offline."""
    return bundle_answer(delivery_id)


@blueprint.post("/deliveries/<uuid:delivery_id>/acknowledgement")
@endpoint("Acknowledge a delivery", request="acknowledgement", response=DELIVERY, status=201, creates=True)
def acknowledge(delivery_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Say that it arrived whole, or that it did not; a package's receipt is signed with the agency's key."""
    signature = body.get("signature")
    acknowledge_delivery(
        current_session(),
        current_actor(),
        delivery_id,
        accepted=body["accepted"],
        sha256=body.get("sha256", ""),
        remark=body.get("remark", ""),
        receipt=body.get("receipt"),
        signature=signature_from_text(signature) if signature else None,
    )
    return _delivery(queries.detail(current_session(), current_actor(), delivery_id))


def _delivery(one: Delivery) -> dict[str, Any]:
    names = ("id", "number", "grant_id", "mode", "format", "state", "purpose", "matter", "requested_at", "prepared_at")
    more = ("delivered_at", "file_name", "rows", "bytes", "sha256", "problem")
    body = {name: getattr(one, name) for name in (*names, *more)}
    return body | {"address": None, "address_expires_at": None, "promise": None}
