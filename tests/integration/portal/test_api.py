"""The native API's base: tokens, contracts, idempotency keys, pages of lists, its own description."""

import threading
import uuid
from base64 import b64encode
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from adapters.database import transaction
from directory.agencies.models import Agency
from portal.api.endpoint import endpoint, page_body, paging, version_one
from portal.api.openapi import description
from portal.edge import Portal, current_session
from schemas import contracts
from tests import factories
from tests.integration.portal.conftest import People

NEED = {"provider_id": str(uuid.uuid4()), "description": "说明", "purpose": "用途", "duty": "职责"}
started, go_on = threading.Event(), threading.Event()


@pytest.fixture
def portal(own_portal: Portal) -> Portal:
    """An application of the test's own: tests here give it routes."""
    return own_portal


@pytest.fixture(autouse=True)
def trial(portal: Portal) -> None:
    """A trial resource: each creation makes an agency, so that doubles would show."""
    blueprint = version_one("trial")

    @blueprint.post("/trials")
    @endpoint("Make a trial", request="need", response="need", status=201, creates=True)
    def create(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
        made = factories.agency(current_session())
        if body["purpose"] == "wait":
            started.set()
            assert go_on.wait(20)
        if body["purpose"] == "fail":
            raise RuntimeError("after the insert")
        return {"id": str(made.id)}, f"/api/v1/trials/{made.id}"

    @blueprint.get("/trials")
    @endpoint("List trials", response="need", paged=True)
    def index() -> dict[str, Any]:
        cursor, limit = paging()
        return page_body([{"cursor": cursor}] * limit, None)

    portal.register_blueprint(blueprint)
    csrf = portal.extensions["csrf"]
    csrf.exempt(blueprint)


def agencies(portal: Portal) -> int:
    with transaction(portal.settings.app_database_url) as session:
        return session.scalar(select(func.count()).select_from(Agency)) or 0


def make(api: FlaskClient, key: str | None = "k1", **changes: Any) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return api.post("/api/v1/trials", json={**NEED, **changes}, headers=headers)


def code(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert contracts.validate("problem", body) == []
    return answer.status_code, body["code"]


def test_repeating_a_creating_request_gives_the_first_answer_and_creates_nothing(
    portal: Portal, api: FlaskClient
) -> None:
    before = agencies(portal)
    first, again, quoted = make(api), make(api), make(api, '"k1"')
    assert first.status_code == again.status_code == quoted.status_code == 201
    assert first.get_data() == again.get_data() == quoted.get_data()
    assert first.headers["Location"] == again.headers["Location"]
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert make(api, "k2").get_data() != first.get_data()
    assert agencies(portal) == before + 2


def test_a_key_is_demanded_and_belongs_to_one_body(api: FlaskClient) -> None:
    assert code(make(api, None)) == (400, "idempotency.missing")
    assert code(make(api, "a" * 256)) == (400, "idempotency.malformed")
    assert code(make(api, "a b")) == (400, "idempotency.malformed")
    assert make(api).status_code == 201
    assert code(make(api, purpose="another")) == (422, "idempotency.other_body")


def test_a_failed_request_leaves_no_answer_so_its_repetition_does_the_work(portal: Portal, api: FlaskClient) -> None:
    before = agencies(portal)
    assert code(make(api, purpose="fail")) == (500, "hub.fault")
    assert agencies(portal) == before
    assert make(api).status_code == 201
    assert agencies(portal) == before + 1


def test_two_at_the_same_time_create_one(portal: Portal, api: FlaskClient) -> None:
    before, answers = agencies(portal), []
    started.clear()
    go_on.clear()
    first = threading.Thread(target=lambda: answers.append(make(api, "same", purpose="wait")))
    first.start()
    assert started.wait(20)
    assert code(make(api, "same", purpose="wait")) == (409, "idempotency.in_progress")
    go_on.set()
    first.join(20)
    assert answers[0].status_code == 201
    assert make(api, "same", purpose="wait").get_data() == answers[0].get_data()
    assert agencies(portal) == before + 1


def test_a_key_of_one_program_says_nothing_to_another(portal: Portal, people: People, api: FlaskClient) -> None:
    with transaction(portal.settings.app_database_url) as session:
        other = factories.client(session, factories.agency(session))
    fields = {"grant_type": "client_credentials", "client_id": other.client_id, "client_secret": factories.PASSWORD}
    token = portal.test_client().post("/oauth/token", data=fields).get_json()["access_token"]
    headers = {"Idempotency-Key": "k1", "Authorization": f"Bearer {token}"}
    mine, theirs = make(api), portal.test_client().post("/api/v1/trials", json=NEED, headers=headers)
    assert theirs.status_code == 201
    assert theirs.get_data() != mine.get_data()


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"{}", "application/json", (422, "input.contract")),
        (b"[1]", "application/json", (422, "input.contract")),
        (b"{", "application/json", (400, "input.not_json")),
        (b'"\\ud800"', "application/json", (400, "input.not_json")),
        (b"\xff", "application/json", (400, "input.not_json")),
        (b"[" * 50 + b"]" * 50, "application/json", (400, "input.too_deep")),
        (orjson.dumps({**NEED, "purpose": "a\x00b"}), "application/json", (400, "input.characters")),
        (b"a=1", "application/x-www-form-urlencoded", (415, "input.not_json_type")),
        (b"x" * 2_000_000, "application/json", (413, "input.too_large")),
    ],
)
def test_a_body_that_is_not_what_its_contract_says_is_named(
    api: FlaskClient, body: bytes, kind: str, expected: tuple[int, str]
) -> None:
    answer = api.post("/api/v1/trials", data=body, content_type=kind, headers={"Idempotency-Key": "k"})
    assert code(answer) == expected


def test_each_wrong_place_of_a_body_is_named_in_the_callers_language(api: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k", "Accept-Language": "zh-CN"}
    answer = api.post("/api/v1/trials", json={**NEED, "purpose": 3, "more": 1}, headers=headers)
    errors = {error["pointer"]: error["message"] for error in answer.get_json()["errors"]}
    assert errors == {"/purpose": "类型不符，须为 string 类型。", "/more": "此处没有该字段。请删除，或更正名称。"}


def test_tokens_are_given_for_the_secret_alone(portal: Portal, people: People) -> None:
    stranger = portal.test_client()
    grant = {"grant_type": "client_credentials"}
    right = {**grant, "client_id": people.client.client_id, "client_secret": factories.PASSWORD}
    basic = b64encode(f"{people.client.client_id}:{factories.PASSWORD}".encode()).decode()
    by_basic = stranger.post("/oauth/token", data=grant, headers={"Authorization": f"Basic {basic}"})
    for answer in (stranger.post("/oauth/token", data=right), by_basic):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.get_json()["token_type"] == "Bearer"
    wrong = stranger.post("/oauth/token", data={**right, "client_secret": "wrong"})
    assert (wrong.status_code, wrong.get_json()) == (401, {"error": "invalid_client"})
    assert stranger.post("/oauth/token", data={**right, "grant_type": "password"}).status_code == 400
    assert stranger.post("/oauth/token", data=grant).get_json() == {"error": "invalid_request"}
    odd = stranger.post("/oauth/token", data=grant, headers={"Authorization": "Basic \xff"})
    assert odd.status_code in {400, 401}
    late = stranger.get("/api/v1/trials", headers={"Authorization": "Bearer nothing"})
    assert code(late) == (401, "access.sign_in")


def test_lists_are_paged_within_bounds(api: FlaskClient) -> None:
    assert len(api.get("/api/v1/trials?limit=7").get_json()["items"]) == 7
    assert len(api.get("/api/v1/trials").get_json()["items"]) == 50
    for wrong in ("0", "201", "-1", "x", "1e2", "9" * 40):
        assert code(api.get(f"/api/v1/trials?limit={wrong}")) == (400, "page.bad_limit")


def test_the_description_names_every_route_and_every_contract_it_refers_to(portal: Portal, api: FlaskClient) -> None:
    described = api.get("/api/v1/openapi.json").get_json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    declared = {rule.endpoint for rule in portal.url_map.iter_rules() if rule.rule.startswith("/api/v1/")}
    named = {operation["operationId"] for operation in operations}
    assert {name.replace(".", "_") for name in declared} - named == {"api_description_page"}
    assert len(named) == len(operations)
    parts = {kind: set(described["components"][kind]) for kind in ("schemas", "headers")}
    known = {f"#/components/{kind}/{name}" for kind, names in parts.items() for name in names}
    assert all("Shuniu-Promise" in answer["headers"] for each in operations for answer in each["responses"].values())
    assert {reference.split("/$defs")[0] for reference in references(described)} <= known
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    creating = [o for o in operations if any(p["name"] == "Idempotency-Key" for p in o["parameters"])]
    assert "api_trial_create" in {operation["operationId"] for operation in creating}
    with portal.test_request_context():
        assert orjson.loads(orjson.dumps(description(portal))) == described


def test_every_request_that_creates_demands_a_key(portal: Portal) -> None:
    declared = [getattr(view, "endpoint", None) for view in portal.view_functions.values()]
    assert [one.summary for one in declared if one and one.status == 201 and not one.creates] == []


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))
