"""Applications and needs of a program's agency: programs prepare and follow them, people send, answer and sign."""

import uuid
from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Blueprint, url_for

from adapters.errors import InvalidInput
from directory.people.programs import with_duties
from exchange.applications import queries
from exchange.applications.draft import amend as amend_application
from exchange.applications.draft import draft as draft_application
from exchange.applications.generate_form import generate_form as generate
from exchange.needs import queries as needs
from exchange.needs.models import Need
from exchange.needs.raise_need import raise_need as raise_need_for
from portal.access import current_actor
from portal.api.endpoint import endpoint, page_body, paging, version_one
from portal.api.shapes import (
    BASIS,
    DAY,
    MAYBE_NUMBER,
    MAYBE_TEXT,
    MAYBE_UUID,
    MOMENT,
    ROW_CONDITION,
    TEXT,
    UUID,
    WORDS,
)
from portal.edge import current_session

blueprint: Blueprint = version_one("cases")
APPLICATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("id", "requester_id", "provider_id"), UUID),
        "number": {"type": ["string", "null"]},
        "state": {"type": "string"},
        "resource_code": {"type": "string"},
        "received_on": {"type": ["string", "null"], "format": "date"},
        "due_on": {"type": ["string", "null"], "format": "date"},
        "days_left": {"type": ["integer", "null"], "description": "Working days; negative when overdue"},
        **dict.fromkeys(("requester_name", "provider_name", "resource_name"), TEXT),
        "items": {"type": "integer", "description": "How many items are asked for"},
        "created_at": MOMENT,
        "due_provisional": {"type": "boolean", "description": "The year's holidays are not known yet"},
    },
}
ONE_APPLICATION = {
    "type": "object",
    "properties": {
        **APPLICATION["properties"],
        **dict.fromkeys(("scope", "purpose", "duty"), TEXT),
        "modes": WORDS,
        "term_to": DAY,
        "quota_rows": MAYBE_NUMBER,
        "row_condition": ROW_CONDITION,
        "lock_version": {"type": "integer", "description": "Send it back as `expected`"},
        "form": {
            "type": ["object", "null"],
            "additionalProperties": True,
            "description": "The frozen form (shuniu:application-form/1); null for a draft",
        },
        "form_digest": MAYBE_TEXT,
        "decisions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field_name": TEXT,
                    "decision": MAYBE_TEXT,
                    "reason": MAYBE_TEXT,
                    "basis": BASIS,
                    "round": MAYBE_NUMBER,
                },
            },
        },
    },
}
NEED = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "number": {"type": "string"},
        "state": {"type": "string"},
        "provider_id": UUID,
        "resource_id": MAYBE_UUID,
        **dict.fromkeys(("description", "purpose", "duty"), TEXT),
        "answer": MAYBE_TEXT,
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


@blueprint.post("/applications")
@endpoint("Draft an application", request="application", response=ONE_APPLICATION, status=201, creates=True)
def draft(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """For items on request of a published version. It needs the role REQUESTER of the official who answers for the
    program; the provider sees nothing of it before its form is generated."""
    session = current_session()
    actor = with_duties(session, current_actor())
    made = draft_application(session, actor, version_id=uuid.UUID(body["version_id"]), **_stated(body))
    return _application(made.id), url_for("api_cases.application", application_id=made.id)


@blueprint.get("/applications/<uuid:application_id>")
@endpoint("One application with the decision on each item", response=ONE_APPLICATION)
def application(application_id: uuid.UUID) -> dict[str, Any]:
    """An application of the caller's agency or to it, with its frozen form."""
    return _application(application_id)


@blueprint.put("/applications/<uuid:application_id>")
@endpoint("Change a draft", request="application", response=ONE_APPLICATION)
def amend(application_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Everything it states is replaced; with `expected`, only if nobody changed it since."""
    session = current_session()
    actor = with_duties(session, current_actor())
    amended = amend_application(session, actor, application_id, expected=body.get("expected"), **_stated(body))
    if uuid.UUID(body["version_id"]) != amended.resource_version_id:
        sentence = "An application keeps to the catalogue version that it was drafted for. Draft another one."
        raise InvalidInput("application.other_version", sentence, [{"pointer": "/version_id", "message": sentence}])
    return _application(application_id)


@blueprint.post("/applications/<uuid:application_id>/form")
@endpoint("Generate the numbered form of a draft", response=ONE_APPLICATION, status=201, creates=True)
def form(application_id: uuid.UUID) -> dict[str, Any]:
    """From then on nothing of it changes. People print the form and hand it to the provider in writing."""
    session = current_session()
    generate(session, with_duties(session, current_actor()), application_id)
    return _application(application_id)


@blueprint.get("/needs")
@endpoint("Needs of my agency", response=NEED, paged=True)
def own_needs() -> dict[str, Any]:
    """The newest first."""
    cursor, limit = paging()
    page = needs.mine(current_session(), current_actor(), cursor=cursor, limit=limit)
    return page_body([_need(one) for one in page.items], page.next_cursor)


@blueprint.post("/needs")
@endpoint("Raise a need", request="need", response=NEED, status=201, creates=True)
def raise_need(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """For data that is not catalogued, or not shared. It needs the role REQUESTER of the official who answers for the
    program."""
    session, about = current_session(), body.get("resource_id")
    made = raise_need_for(
        session,
        with_duties(session, current_actor()),
        provider_id=uuid.UUID(body["provider_id"]),
        description=body["description"],
        purpose=body["purpose"],
        duty=body["duty"],
        resource_id=uuid.UUID(about) if about else None,
    )
    return _need(made), url_for("api_cases.need", need_id=made.id)


@blueprint.get("/needs/<uuid:need_id>")
@endpoint("One need", response=NEED)
def need(need_id: uuid.UUID) -> dict[str, Any]:
    """A need of the caller's agency, or one that was raised to it."""
    return _need(needs.detail(current_session(), current_actor(), need_id))


def _stated(body: dict[str, Any]) -> dict[str, Any]:
    names = ("items", "scope", "purpose", "duty", "modes")
    more = {"quota_rows": body.get("quota_rows"), "row_condition": body.get("row_condition")}
    return {name: body[name] for name in names} | more | {"term_to": date.fromisoformat(body["term_to"])}


def _application(application_id: uuid.UUID) -> dict[str, Any]:
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
    names = ("scope", "purpose", "duty", "modes", "term_to", "quota_rows", "row_condition", "lock_version")
    stated = {name: getattr(found.application, name) for name in names}
    form = {"form": found.application.form, "form_digest": found.application.form_digest}
    return asdict(found.row) | stated | form | {"decisions": decisions}


def _need(one: Need) -> dict[str, Any]:
    names = ("id", "number", "state", "provider_id", "resource_id", "description", "purpose", "duty", "answer")
    return {name: getattr(one, name) for name in names}
