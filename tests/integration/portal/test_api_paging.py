"""Every list of the API is walked in pages of one, and answers a cursor or limit that it cannot read with a problem."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from directory.datasets.models import DatasetState, DatasetVersion
from exchange.deliveries.models import FileFormat
from exchange.deliveries.request import request
from exchange.hooks import on_published
from exchange.needs.raise_need import raise_need
from schemas.words import Mode
from tests import factories
from tests.integration.portal.world import World, refused

MOST_PAGES = 100


@pytest.fixture
def many(world: World) -> World:
    """At least two of everything that is listed."""
    session, case = world.session, world.case
    other = factories.published_resource(session, case.provider, name="第二项目录")
    on_published(session, case.office, other)
    case.granted()
    for _ in range(2):
        raise_need(session, case.asks, provider_id=case.provider.id, description="说明", purpose="用途", duty="职责")
        request(
            session,
            case.asks,
            grant_id=world.granted.id,
            mode=Mode.FILES,
            format=FileFormat.CSV,
            purpose=world.granted.purpose,
            matter="办件-17",
        )
    for number in (2, 3):
        loaded = {"state": DatasetState.READY, "location": f"lake/{number}", "delta_version": number}
        ids = {"resource_id": case.version.resource_id, "resource_version_id": case.version.id}
        session.add(DatasetVersion(number=number, **ids, **loaded))
    session.commit()
    return world


def lists(world: World) -> Iterator[str]:
    """Addresses of all lists that the description names."""
    described = world.asks.get("/api/v1/openapi.json").get_json()
    for path, operations in described["paths"].items():
        named = {field["name"] for field in operations.get("get", {}).get("parameters", [])}
        if "cursor" in named:
            assert "limit" in named, path
            yield path.replace("{resource_id}", str(world.case.version.resource_id))


def walked(world: World, path: str, limit: int) -> list[Any]:
    """All items, page by page."""
    client = world.gives if path.endswith("/received") else world.asks
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = client.get(path, query_string=query).get_json()
        assert len(page["items"]) <= limit, path
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError(f"{path} does not end")


def test_every_list_is_walked_in_pages_of_one(many: World) -> None:
    paths = list(lists(many))
    assert {"/api/v1/resources", "/api/v1/grants", "/api/v1/applications/received"} <= set(paths)
    for path in paths:
        assert "{" not in path
        one_by_one, at_once = walked(many, path, 1), walked(many, path, 200)
        assert len(one_by_one) >= 2, path
        assert one_by_one == at_once, path


def test_a_cursor_or_limit_that_cannot_be_read_is_a_problem(many: World) -> None:
    for path in lists(many):
        for wrong in ("0", "201", "-1", "x", "1e2", "１", "9" * 40):
            answer = many.asks.get(path, query_string={"limit": wrong})
            assert refused(answer) == (400, "page.bad_limit"), path
        for wrong in ("nonsense", "e30", "W10", "WyIxIiwgIjIiLCAiMyJd", "文", uuid.uuid4().hex):
            answer = many.asks.get(path, query_string={"cursor": wrong})
            assert refused(answer) == (400, "paging.cursor"), (path, wrong)


def test_the_loads_of_a_resource_go_on_where_the_cursor_says(many: World) -> None:
    path = f"/api/v1/resources/{many.case.version.resource_id}/datasets"
    assert [one["number"] for one in walked(many, path, 2)] == [3, 2, 1]
