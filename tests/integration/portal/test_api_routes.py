"""Every route of the native API as programs use it: the requester's, the provider's and another agency's."""

import base64
import hashlib
import uuid
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.objects import objects
from directory.datasets.models import DatasetState, DatasetVersion
from directory.people.models import ApiToken
from exchange.deliveries import progress
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.suspend import suspend
from exchange.hooks import on_published
from exchange.release import ReleaseRequest, authorise, complete
from schemas.words import Mode
from tests import factories
from tests.integration.portal.world import World, refused

CONTENT = b"ask_2,ask_3\r\nb,2\r\n"


def test_the_catalogue_is_searched_read_and_says_what_is_loaded(world: World) -> None:
    version = world.case.version
    [found] = world.stranger.get("/api/v1/resources", query_string={"text": version.name}).get_json()["items"]
    assert (found["resource_id"], found["code"]) == (str(version.resource_id), version.resource.code)
    assert found["agency"] == {"credit_code": world.case.provider.credit_code, "name": "市市场监管局"}
    one = world.stranger.get(f"/api/v1/resources/{version.resource_id}").get_json()
    assert [item["field_name"] for item in one["items"]] == ["open_1", "ask_2", "ask_3", "ask_4", "kept_5"]
    [loaded] = world.stranger.get(f"/api/v1/resources/{version.resource_id}/datasets").get_json()["items"]
    assert (loaded["state"], loaded["rows_good"], loaded["rows_set_aside"]) == ("SERVED", 3, 1)
    for path in ("", "/datasets"):
        assert refused(world.asks.get(f"/api/v1/resources/{uuid.uuid4()}{path}")) == (404, "resource.unknown")


def test_lists_go_on_where_their_cursor_says(world: World) -> None:
    names = []
    with Session(world.session.get_bind()) as session:
        for number in range(4):
            names.append(factories.published_resource(session, world.case.provider, name=f"卷宗{number}").name)
        session.commit()
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = world.asks.get(
            "/api/v1/resources", query_string={"text": "卷宗", "limit": 3, "cursor": cursor}
        ).get_json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == names
    assert world.asks.get("/api/v1/resources?cursor=nonsense").status_code == 400


def test_grants_are_listed_for_those_who_hold_them(world: World) -> None:
    mine = {grant["id"]: grant for grant in world.asks.get("/api/v1/grants").get_json()["items"]}
    assert set(mine) == {str(world.granted.id), str(world.standing.id)}
    assert (mine[str(world.standing.id)]["standing"], mine[str(world.granted.id)]["standing"]) == (True, False)
    assert mine[str(world.granted.id)]["items"] == ["ask_2", "ask_3"]
    others = world.stranger.get("/api/v1/grants").get_json()["items"]
    assert [grant["id"] for grant in others] == [str(world.standing.id)]
    path = f"/api/v1/grants/{world.granted.id}"
    assert world.asks.get(path).get_json() == world.gives.get(path).get_json() == mine[str(world.granted.id)]
    assert world.stranger.get(path).status_code == 403
    assert world.asks.get(f"/api/v1/grants/{uuid.uuid4()}").status_code == 404


def test_records_are_answered_with_their_release_and_digest_after_the_evidence(world: World) -> None:
    answer = world.look_up(world.asks)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    data, body = answer.get_data(), answer.get_json()
    assert body["rows"] == [{"ask_2": "b", "ask_3": "2"}, {"ask_2": "b", "ask_3": "3"}]
    assert (body["items"], body["dataset_version"]) == (["ask_2", "ask_3"], 1)
    digest = hashlib.sha256(data).digest()
    assert answer.headers["Content-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert answer.headers["Shuniu-Release"] == body["release"]
    [entry] = world.evidence("release.completed")
    assert entry["subject"] == f"release/{body['release']}"
    after = entry["data"]["after"]
    assert (after["digest"], after["rows"], after["bytes"], after["items"]) == (
        *(digest.hex(), 2, len(data)),
        ["ask_2", "ask_3"],
    )
    record = world.session.get_one(ReleaseRecord, uuid.UUID(body["release"]))
    assert (record.state, record.rows, record.agency_id) == ("COMPLETED", 2, world.case.requester.id)
    assert (str(record.evidence_id), record.closed_at) == (entry["id"], record.authorised_at)
    less = world.look_up(world.asks, items=["ask_3", "ask_2"], limit=1).get_json()
    assert (less["items"], len(less["rows"])) == (["ask_2", "ask_3"], 1)
    everybodys = {"key": {"open_1": "o"}, "purpose": "公共服务", "matter": "办件-18"}
    path = f"/api/v1/grants/{world.standing.id}/records"
    assert len(world.stranger.post(path, json=everybodys).get_json()["rows"]) == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "营销"}, "release.other_purpose"),
        ({"items": ["ask_2", "kept_5"]}, "release.items"),
        ({"key": {"kept_5": "secret"}}, "release.key"),
        ({"key": {"open_1": "o"}}, "release.key"),
    ],
)
def test_a_refused_look_up_leaves_evidence_and_no_data(world: World, changes: dict[str, Any], code: str) -> None:
    answer = world.look_up(world.asks, **changes)
    assert refused(answer) == (403, code)
    assert "secret" not in answer.get_data(as_text=True)
    [entry] = world.evidence("release.refused")
    assert (entry["data"]["outcome"], entry["data"]["actor"]["agency"]) == ("REFUSED", world.case.requester.credit_code)
    assert world.session.scalar(select(func.count()).select_from(ReleaseRecord)) == 0


def test_the_door_is_shut_to_others_and_when_the_grant_is_not_active_or_used_up(world: World) -> None:
    assert refused(world.look_up(world.stranger)) == (403, "release.no_grant")
    assert refused(world.look_up(world.gives)) == (403, "release.no_grant")
    assert refused(world.asks.post(f"/api/v1/grants/{uuid.uuid4()}/records", json=world.question()))[0] == 403
    assert refused(world.portal.test_client().post(f"/api/v1/grants/{world.granted.id}/records"))[0] == 401
    world.granted.quota_rows = 3
    world.session.commit()
    assert world.look_up(world.asks).status_code == 200
    assert len(world.look_up(world.asks).get_json()["rows"]) == 1
    assert refused(world.look_up(world.asks)) == (403, "release.quota")
    world.granted.quota_rows = None
    suspend(world.session, world.case.answers, world.granted.id, reason="核查")
    world.session.commit()
    assert refused(world.look_up(world.asks)) == (403, "release.not_active")
    assert len(world.evidence("release.refused")) == 5
    assert len(world.evidence("release.completed")) == 2


def test_a_revoked_or_lapsed_token_opens_nothing(world: World) -> None:
    assert world.look_up(world.asks).status_code == 200
    for token in world.session.scalars(select(ApiToken)):
        token.expires_at = system_now() - timedelta(seconds=1)
    world.session.commit()
    assert refused(world.look_up(world.asks)) == (401, "access.sign_in")


def test_evidence_of_a_release_under_a_very_wide_grant_fits_an_entry(world: World) -> None:
    with Session(world.session.get_bind()) as session:
        names = [f"{'f' * 55}_{number}" for number in range(500)]
        parts = [factories.item(n, field_name=name) for n, name in enumerate(names, 1)]
        version = factories.published_resource(session, world.case.provider, parts, name="宽表")
        dataset = DatasetVersion(
            resource_id=version.resource_id,
            resource_version_id=version.id,
            number=1,
            state=DatasetState.READY,
            location="lake/wide",
            delta_version=0,
        )
        session.add(dataset)
        on_published(session, world.case.office, version)
        grant = session.scalars(select(Grant).where(Grant.resource_id == version.resource_id)).one()
        grant.row_condition = {
            "field": names[0],
            "operator": "IN",
            "values": ["文" * 300 + str(n) for n in range(1000)],
        }
        session.commit()
        asked = ReleaseRequest(world.case.asks, Mode.FILES, "公共服务", "办件-17")
        release = authorise(session, grant.id, asked)
        complete(session, release, rows=0, size=0, digest="0" * 64)
    [entry] = world.evidence("release.authorised")
    after = entry["data"]["after"]
    assert (after["items"], after["row_condition"]["values"]) == (500, 1000)
    assert len(after["items_digest"]) == 64


def deliver(world: World) -> Delivery:
    """What Airflow's step does for a delivery that was asked for."""
    delivery = world.session.scalars(select(Delivery)).one()
    asked = ReleaseRequest(world.case.asks, Mode.FILES, delivery.purpose, delivery.matter)
    release, digest = authorise(world.session, delivery.grant_id, asked), hashlib.sha256(CONTENT).hexdigest()
    key = f"deliveries/{delivery.id}"
    store = objects(world.portal.settings)
    store.ensure_bucket()
    store.put(key, BytesIO(CONTENT))
    complete(world.session, release, rows=1, size=len(CONTENT), digest=digest)
    progress.mark_prepared(
        world.session,
        delivery.id,
        release_id=release.id,
        object_key=key,
        file_name="x.csv",
        rows=1,
        size=len(CONTENT),
        sha256=digest,
    )
    world.session.commit()
    return delivery


def test_a_file_is_asked_for_followed_fetched_and_acknowledged(world: World) -> None:
    body = {"grant_id": str(world.granted.id), "mode": "FILES", "format": "CSV", "purpose": world.granted.purpose}
    headers = {"Idempotency-Key": "k-1"}
    assert refused(world.asks.post("/api/v1/deliveries", json={**body, "matter": "办件-17"}))[0] == 400
    made = world.asks.post("/api/v1/deliveries", json={**body, "matter": "办件-17"}, headers=headers)
    again = world.asks.post("/api/v1/deliveries", json={**body, "matter": "办件-17"}, headers=headers)
    assert (made.status_code, made.get_data()) == (201, again.get_data())
    path = made.headers["Location"]
    assert world.asks.get(path).get_json()["address"] is None
    assert refused(world.stranger.get(path))[0] == 403
    deliver(world)
    ready = world.asks.get(path).get_json()
    assert (ready["state"], ready["rows"]) == ("PREPARED", 1)
    assert world.gives.get(path).get_json()["address"] is None
    assert world.portal.test_client().get(ready["address"]).get_data() == CONTENT
    receipt = {"accepted": True, "sha256": "0" * 64}
    right = {"accepted": True, "sha256": ready["sha256"]}
    there = f"{path}/acknowledgement"
    assert refused(world.stranger.post(there, json=right, headers=headers))[0] == 403
    assert refused(world.asks.post(there, json=receipt, headers=headers))[0] == 422
    done = world.asks.post(there, json=right, headers={"Idempotency-Key": "k-2"})
    assert (done.status_code, done.get_json()["state"]) == (201, "ACKNOWLEDGED")
    assert [item["id"] for item in world.asks.get("/api/v1/deliveries").get_json()["items"]] == [ready["id"]]
    assert world.stranger.get("/api/v1/deliveries").get_json()["items"] == []
    assert [len(world.evidence(f"delivery.{what}")) for what in ("requested", "delivered", "acknowledged")] == [1, 1, 2]


def test_applications_and_needs_are_followed_by_both_agencies_alone(world: World) -> None:
    [mine] = world.asks.get("/api/v1/applications").get_json()["items"]
    [theirs] = world.gives.get("/api/v1/applications/received").get_json()["items"]
    assert mine["id"] == theirs["id"] == str(world.application.id)
    one = world.asks.get(f"/api/v1/applications/{mine['id']}").get_json()
    assert {each["field_name"]: each["decision"] for each in one["decisions"]} == {"ask_2": "AGREED", "ask_3": "AGREED"}
    assert one["form_digest"] == world.application.form_digest
    assert world.stranger.get("/api/v1/applications").get_json()["items"] == []
    assert refused(world.stranger.get(f"/api/v1/applications/{mine['id']}"))[0] == 403
    assert world.asks.get("/api/v1/needs").get_json() == {"items": [], "next_cursor": None}


def test_the_hubs_keys_are_public(world: World) -> None:
    keys = world.portal.test_client().get("/api/v1/keys").get_json()
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(world.portal.settings.hub_key))
    assert base64.b64decode(keys["hub"]["public_key"]) == private.public_key().public_bytes_raw()
    assert keys["log"]["origin"] == world.portal.settings.log_origin
    assert keys["log"]["verifier_key"].startswith(f"{keys['log']['origin']}+")


def test_every_route_but_the_open_ones_asks_for_a_token(world: World) -> None:
    described = world.asks.get("/api/v1/openapi.json").get_json()
    stranger, opened = world.portal.test_client(), set()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            address = path
            for parameter in operation["parameters"]:
                address = address.replace(f"{{{parameter['name']}}}", str(uuid.uuid4()))
            answer = stranger.open(address, method=method, json={})
            if operation["security"]:
                assert refused(answer) == (401, "access.sign_in"), path
            else:
                opened.add(path)
    hashes = {"/api/v1/log/checkpoint", "/api/v1/log/cosigned", "/api/v1/log/tile/{name}"}
    assert opened == {"/api/v1/openapi.json", "/api/v1/keys"} | hashes
