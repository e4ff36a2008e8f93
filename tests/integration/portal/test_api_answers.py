"""What the API answers is what it says of its answers: every GET route of JSON, over real rows, against its schema."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import select

from audit.models import Evidence
from exchange.deliveries.models import FileFormat
from exchange.deliveries.request import request
from exchange.needs.models import Need
from exchange.needs.raise_need import raise_need
from portal.api.openapi import description
from schemas.words import Mode
from tests.integration.portal.world import World

Found = tuple[str, dict[str, Any]]


@pytest.fixture
def filled(world: World) -> World:
    """The world with a delivery and a need too."""
    session, asks = world.session, world.case.asks
    asked: dict[str, Any] = {"purpose": world.granted.purpose, "matter": "办件-17"}
    request(session, asks, grant_id=world.granted.id, mode=Mode.FILES, format=FileFormat.CSV, **asked)
    raise_need(session, asks, provider_id=world.case.provider.id, description="控制人", purpose="核查", duty="法")
    session.commit()
    return world


def answered(world: World) -> Iterator[Found]:
    """Path and schema of each GET route that answers with JSON."""
    for path, methods in description(world.portal)["paths"].items():
        for answer in methods.get("get", {}).get("responses", {}).values():
            schema = answer["content"].get("application/json", {}).get("schema")
            if schema is not None and path != "/api/v1/openapi.json":
                yield path, schema


def address(world: World, path: str) -> str:
    """The path with an identifier of the world in each place."""
    delivery = world.asks.get("/api/v1/deliveries").get_json()["items"][0]["id"]
    own = Evidence.agency_code == world.case.requester.credit_code
    known = {
        "resource_id": world.case.version.resource_id,
        "version_id": world.case.version.id,
        "grant_id": world.granted.id,
        "application_id": world.application.id,
        "delivery_id": delivery,
        "need_id": world.session.scalars(select(Need.id).limit(1)).one(),
        "entry_id": world.session.scalars(select(Evidence.id).where(own).limit(1)).one(),
    }
    return path.format(**known)


def undeclared(schema: dict[str, Any], value: Any, place: str = "") -> Iterator[str]:
    """Places of an answer that its schema does not name."""
    inner: dict[str, Any] = {}
    for part in schema.get("allOf", [schema]):
        inner |= part.get("properties", {})
    if isinstance(value, dict) and inner:
        for name, one in value.items():
            if name in inner:
                yield from undeclared(inner[name], one, f"{place}/{name}")
            elif not (name == "next_cursor" and "allOf" in schema):
                yield f"{place}/{name} is not declared"
    if isinstance(value, list):
        for one in value:
            yield from undeclared(schema.get("items", {}), one, f"{place}[]")


def bare(schema: Any) -> bool:
    """Whether a schema, or one within it, is of an object and says nothing of its properties."""
    if isinstance(schema, list):
        return any(bare(part) for part in schema)
    if not isinstance(schema, dict):
        return False
    said = schema.keys() & {"properties", "additionalProperties"}
    return ("object" in schema.get("type", ()) and not said) or any(bare(part) for part in schema.values())


def test_every_answer_keeps_to_its_declared_schema_and_has_nothing_else(filled: World) -> None:
    components = description(filled.portal)["components"]
    wrong: set[tuple[str, str]] = set()
    seen = set()
    for path, schema in answered(filled):
        client = filled.gives if path.endswith("/received") or "resource-versions" in path else filled.asks
        answer = client.get(address(filled, path))
        assert answer.status_code == 200, (path, answer.get_data(as_text=True))
        body = answer.get_json()
        assert body.get("items", ["some"]) != [], path
        faults = Draft202012Validator({**schema, "components": components}).iter_errors(body)
        wrong |= {(path, f"{fault.json_path}: {fault.message[:80]}") for fault in faults}
        wrong |= {(path, one) for one in undeclared(schema, body)}
        seen.add(path)
    assert sorted(wrong) == []
    assert {"/api/v1/resources/{resource_id}/datasets", "/api/v1/grants/{grant_id}", "/api/v1/evidence"} <= seen


def test_no_route_answers_with_an_object_of_which_nothing_is_said(world: World) -> None:
    assert [path for path, schema in answered(world) if bare(schema)] == []
