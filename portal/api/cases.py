"""Applications and needs of a program's agency: listed and followed by programs, begun and signed by people."""

import uuid
from dataclasses import asdict
from typing import Any

from flask import Blueprint

from exchange.applications import queries
from exchange.needs import queries as needs
from portal.access import current_actor
from portal.api.endpoint import endpoint, page_body, paging, version_one
from portal.edge import current_session

blueprint: Blueprint = version_one("cases")
APPLICATION = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "number": {"type": ["string", "null"]},
        "state": {"type": "string"},
        "resource_code": {"type": "string"},
        "received_on": {"type": ["string", "null"], "format": "date"},
        "due_on": {"type": ["string", "null"], "format": "date"},
        "days_left": {"type": ["integer", "null"], "description": "Working days; negative when overdue"},
    },
}
NEED = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "number": {"type": "string"},
        "state": {"type": "string"},
    },
}


@blueprint.get("/applications")
@endpoint("Applications of my agency", response=APPLICATION, paged=True)
def applications() -> dict[str, Any]:
    """The newest first."""
    cursor, limit = paging()
    page = queries.mine(current_session(), current_actor(), cursor=cursor, limit=limit)
    return page_body([asdict(row) for row in page.items], page.next_cursor)


@blueprint.get("/applications/received")
@endpoint("Applications to my agency", response=APPLICATION, paged=True)
def received() -> dict[str, Any]:
    """Those that wait for an answer first."""
    cursor, limit = paging()
    page = queries.to_provider(current_session(), current_actor(), cursor=cursor, limit=limit)
    return page_body([asdict(row) for row in page.items], page.next_cursor)


@blueprint.get("/applications/<uuid:application_id>")
@endpoint("One application with the decision on each item", response=APPLICATION)
def application(application_id: uuid.UUID) -> dict[str, Any]:
    """An application of the caller's agency or to it, with its frozen form."""
    found = queries.detail(current_session(), current_actor(), application_id)
    decisions = [
        {
            "field_name": one.item.field_name,
            "decision": one.decision,
            "reason": one.reason,
            "basis": one.basis,
            "round": one.round,
        }
        for one in found.decisions
    ]
    form = {"form": found.application.form, "form_digest": found.application.form_digest}
    return asdict(found.row) | form | {"decisions": decisions}


@blueprint.get("/needs")
@endpoint("Needs of my agency", response=NEED, paged=True)
def own_needs() -> dict[str, Any]:
    """The newest first."""
    cursor, limit = paging()
    page = needs.mine(current_session(), current_actor(), cursor=cursor, limit=limit)
    names = ("id", "number", "state", "provider_id", "resource_id", "description", "purpose", "duty", "answer")
    return page_body([{name: getattr(one, name) for name in names} for one in page.items], page.next_cursor)
