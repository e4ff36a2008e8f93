"""The interface call: rows of a granted resource by key. The most used route of all, so it does nothing twice."""

import base64
import uuid
from typing import Any

from flask import Blueprint, Response

from exchange.modes.interface import MOST_ROWS, look_up
from exchange.release import ReleaseRequest
from portal.access import current_actor, rests_on
from portal.api.endpoint import endpoint, version_one
from portal.edge import current_session, portal_settings
from schemas.words import Mode

blueprint: Blueprint = version_one("records")
RECORDS = {
    "type": "object",
    "required": ["release", "resource", "dataset_version", "items", "rows", "nonce"],
    "properties": {
        "release": {"type": "string", "format": "uuid", "description": "Names the evidence of this answer"},
        "resource": {"type": "string"},
        "dataset_version": {"type": "integer"},
        "items": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "object"}},
        "nonce": {"type": "string", "description": "Random; keeps the answer's digest in the log from being guessed"},
    },
}


@blueprint.post("/grants/<uuid:grant_id>/records")
@endpoint("Look rows up by key under a grant", request="record-query", response=RECORDS, single=True)
def find(grant_id: uuid.UUID, body: dict[str, Any]) -> Response:
    """Rows whose released items equal the key's values. The evidence is committed before the first byte is sent."""
    request = ReleaseRequest(
        current_actor(),
        Mode.INTERFACE,
        body["purpose"],
        body["matter"],
        tuple(body.get("items", ())),
        rests_on=rests_on(),
    )
    limit = body.get("limit", MOST_ROWS)
    found = look_up(current_session(), portal_settings(), grant_id, request, body["key"], limit)
    answer = Response(found.body, content_type="application/json")
    answer.headers["Shuniu-Release"] = str(found.release_id)
    answer.headers["Content-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(found.sha256)).decode()}:"
    return answer
