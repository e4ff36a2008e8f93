"""Grants that a program's agency can use."""

import uuid
from typing import Any

from flask import Blueprint

from exchange.grants import queries
from exchange.grants.models import Grant
from portal.access import current_actor
from portal.api.endpoint import endpoint, page_body, paging, version_one
from portal.api.shapes import DAY, MAYBE_DAY, NUMBER, ROW_CONDITION
from portal.edge import current_session

blueprint: Blueprint = version_one("grants")
GRANT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "number": {"type": "string"},
        "state": {"type": "string"},
        "resource_id": {"type": "string", "format": "uuid"},
        "standing": {"type": "boolean", "description": "Shared with every agency"},
        "items": {"type": "array", "items": {"type": "string"}},
        "modes": {"type": "array", "items": {"type": "string"}},
        "purpose": {"type": "string"},
        "row_condition": ROW_CONDITION,
        "quota_rows": {"type": ["integer", "null"], "description": "Rows that may leave in all; null for no limit"},
        "used_rows": NUMBER,
        "valid_from": DAY,
        "valid_to": MAYBE_DAY,
    },
}


@blueprint.get("/grants")
@endpoint("Grants of my agency, standing ones too", response=GRANT, paged=True)
def index() -> dict[str, Any]:
    """What the caller's agency may receive, the newest first."""
    cursor, limit = paging()
    page = queries.mine(current_session(), current_actor(), cursor=cursor, limit=limit)
    return page_body([_grant(one) for one in page.items], page.next_cursor)


@blueprint.get("/grants/<uuid:grant_id>")
@endpoint("One grant", response=GRANT)
def show(grant_id: uuid.UUID) -> dict[str, Any]:
    """A grant of the caller's agency, or on its resources."""
    return _grant(queries.detail(current_session(), current_actor(), grant_id))


def _grant(one: Grant) -> dict[str, Any]:
    names = ("id", "number", "state", "resource_id", "items", "row_condition", "modes", "purpose", "quota_rows")
    more = {"used_rows": one.used_rows, "valid_from": one.valid_from, "valid_to": one.valid_to}
    return {name: getattr(one, name) for name in names} | more | {"standing": one.requester_id is None}
