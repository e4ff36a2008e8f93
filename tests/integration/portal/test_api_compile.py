"""Cataloguing by systems (R20): a program drafts and changes entries, which pass the same checks as a person's."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from directory.catalogue.review import return_version
from directory.catalogue.submit import submit_version
from directory.people.roles import Role
from tests import factories
from tests.integration.portal.world import World, program, refused


@pytest.fixture
def system(world: World) -> FlaskClient:
    """A program of the provider whose official compiles there."""
    return program(world.portal, world.session, world.case.provider, Role.COMPILER)


def body(**changes: Any) -> dict[str, Any]:
    return factories.entry(theme=None) | {"items": factories.items(2)} | changes


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def test_a_program_drafts_an_entry_and_a_person_hands_it_in(world: World, system: FlaskClient) -> None:
    headers = key()
    made = system.post("/api/v1/resources", json=body(), headers=headers)
    assert made.status_code == 201, made.get_data(as_text=True)
    assert system.post("/api/v1/resources", json=body(), headers=headers).get_data() == made.get_data()
    path, drafted = made.headers["Location"], made.get_json()
    assert (drafted["state"], drafted["number"], len(drafted["items"])) == ("DRAFT", 1, 2)
    assert system.get(path).get_json() == drafted
    for hidden in (world.gives, world.asks):
        assert refused(hidden.get(path))[0] == 404
    changed = system.put(path, json=body(name="新名称", expected=drafted["lock_version"]))
    assert (changed.status_code, changed.get_json()["name"]) == (200, "新名称")
    assert refused(system.put(path, json=body(expected=drafted["lock_version"]))) == (409, "version.stale")
    assert refused(system.post(f"{path}/submission")) == (403, "reserved.submission")

    compiler = factories.official(world.session, world.case.provider, Role.COMPILER)
    reviewer = factories.official(world.session, world.case.provider, Role.REVIEWER)
    version_id = uuid.UUID(drafted["version_id"])
    submit_version(world.session, compiler, version_id)
    world.session.commit()
    assert refused(system.put(path, json=body()))[0] == 409
    reasons = [{"path": "items/1/name", "reason": "请写全称"}]
    return_version(world.session, reviewer, version_id, reasons=reasons, accurate=False)
    world.session.commit()
    assert system.get(path).get_json()["returned_for"] == reasons
    mended = system.put(path, json=body(abstract="改正后的摘要")).get_json()
    assert (mended["abstract"], mended["state"]) == ("改正后的摘要", "RETURNED")


def test_a_program_drafts_the_next_version_from_the_day_of_the_change(world: World, system: FlaskClient) -> None:
    published = factories.published_resource(world.session, world.case.provider)
    world.session.commit()
    path = f"/api/v1/resources/{published.resource_id}/versions"
    assert refused(system.post(path, json=body(), headers=key())) == (422, "version.changed_on")
    made = system.post(path, json=body(changed_on="2026-09-11"), headers=key())
    assert made.status_code == 201, made.get_data(as_text=True)
    assert (made.get_json()["number"], made.get_json()["changed_on"]) == (2, "2026-09-11")
    again = system.post(path, json=body(changed_on="2026-09-11"), headers=key())
    assert refused(again) == (409, "resource.version_in_progress")
    ahead = system.post(path, json=body(changed_on="2099-01-01"), headers=key())
    assert refused(ahead) == (422, "version.changed_on")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"items": []}, "/items"),
        ({"name": "x"}, "/name"),
        ({"items": factories.items(1, share_attribute="NO_SHARING")}, "/items/0/basis"),
        ({"system_name": "没有这个系统"}, "/system_name"),
        ({"changed_on": "2026-02-30"}, "/changed_on"),
    ],
)
def test_an_entry_that_is_not_right_is_refused_with_its_place(
    world: World, system: FlaskClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = system.post("/api/v1/resources", json=body(**changes), headers=key())
    assert refused(answer)[0] == 422
    assert pointer in {error["pointer"] for error in answer.get_json()["errors"]}
    assert world.evidence("resource.drafted") == []
