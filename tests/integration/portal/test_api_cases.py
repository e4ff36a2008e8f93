"""Programs prepare applications and needs of their agency; what the rules keep for people stays with people."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from adapters.clock import case_today
from directory.people.assign import end_role
from directory.people.models import ApiClient, Person
from directory.people.queries import actor_of_person
from directory.people.roles import Role
from exchange.applications.hand_over import record_hand_over
from exchange.applications.models import Application
from portal.api.reserved import ACTS
from tests import factories
from tests.integration.portal.world import World, program, refused


@pytest.fixture
def tax(world: World) -> FlaskClient:
    """A program of the requester whose official applies and compiles there."""
    return program(world.portal, world.session, world.case.requester, Role.REQUESTER, Role.COMPILER)


def stated(world: World, **changes: Any) -> dict[str, Any]:
    return {
        "version_id": str(world.case.version.id),
        "items": ["ask_2", "ask_3"],
        "scope": "征管科",
        "purpose": "核对纳税人登记",
        "duty": "税收征收管理法第六条",
        "modes": ["INTERFACE"],
        "term_to": (case_today(world.session) + timedelta(days=300)).isoformat(),
        **changes,
    }


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def test_a_program_drafts_changes_and_forms_an_application(world: World, tax: FlaskClient) -> None:
    headers = key()
    first = tax.post("/api/v1/applications", json=stated(world), headers=headers)
    assert first.status_code == 201, first.get_data(as_text=True)
    assert tax.post("/api/v1/applications", json=stated(world), headers=headers).get_data() == first.get_data()
    path, drafted = first.headers["Location"], first.get_json()
    assert (drafted["state"], drafted["number"], drafted["scope"]) == ("DRAFT", None, "征管科")
    assert refused(world.gives.get(path))[0] == 404

    changed = stated(world, items=["ask_3"], quota_rows=9, expected=drafted["lock_version"])
    amended = tax.put(path, json=changed)
    assert (amended.status_code, amended.get_json()["quota_rows"], amended.get_json()["items"]) == (200, 9, 1)
    assert refused(tax.put(path, json=changed)) == (409, "application.stale")
    other = stated(world, version_id=str(uuid.uuid4()), scope="别的")
    assert refused(tax.put(path, json=other)) == (422, "application.other_version")
    assert tax.get(path).get_json()["scope"] == "征管科"

    formed = tax.post(f"{path}/form", headers=key())
    assert (formed.status_code, formed.get_json()["state"]) == (201, "FORM_GENERATED")
    application = world.session.get_one(Application, uuid.UUID(drafted["id"]))
    official = world.session.get_one(Person, application.applied_by)
    assert application.form is not None
    assert formed.get_json()["form"]["applicant"] == application.form["applicant"] == official.name
    assert refused(tax.put(path, json=stated(world))) == (409, "application.frozen")
    entry = world.evidence("application.form_generated")[-1]["data"]["actor"]
    assert (entry["person"], entry["roles"]) == (None, ["CLIENT", "COMPILER", "REQUESTER"])
    assert entry["client"]
    assert [item["field_name"] for item in formed.get_json()["form"]["items"]] == ["ask_3"]

    record_hand_over(
        world.session, world.case.asks, application.id, handed_over_on=case_today(world.session), proof="EMS 1"
    )


def test_a_program_raises_a_need(world: World, tax: FlaskClient) -> None:
    body = {
        "provider_id": str(world.case.provider.id),
        "description": "户籍变动",
        "purpose": "参保核验",
        "duty": "社会保险法",
    }
    made = tax.post("/api/v1/needs", json=body, headers=key())
    assert made.status_code == 201, made.get_data(as_text=True)
    path = made.headers["Location"]
    assert tax.get(path).get_json() == world.gives.get(path).get_json() == made.get_json()
    assert refused(world.stranger.get(path))[0] == 403
    assert refused(tax.get(f"/api/v1/needs/{uuid.uuid4()}"))[0] == 404
    about = body | {"resource_id": str(world.case.version.resource_id)}
    assert tax.post("/api/v1/needs", json=about, headers=key()).status_code == 201
    own = body | {"provider_id": str(world.case.requester.id)}
    assert refused(tax.post("/api/v1/needs", json=own, headers=key())) == (403, "permission.own_data")
    assert refused(tax.post("/api/v1/needs", json=body)) == (400, "idempotency.missing")


def preparing(world: World) -> dict[str, Callable[[FlaskClient], Any]]:
    """Everything a program can prepare, by what it does."""
    draft, case = world.case.draft(), world.case
    world.session.commit()
    need = {"provider_id": str(case.provider.id), "description": "一", "purpose": "二", "duty": "三"}
    path = f"/api/v1/applications/{draft.id}"
    entry = factories.entry(theme=None) | {"items": factories.items(), "changed_on": "2026-09-01"}
    mine = factories.version(world.session, case.requester, "DRAFT")
    published = factories.published_resource(world.session, case.requester)
    world.session.commit()
    return {
        "draft": lambda client: client.post("/api/v1/applications", json=stated(world), headers=key()),
        "amend": lambda client: client.put(path, json=stated(world)),
        "form": lambda client: client.post(f"{path}/form", headers=key()),
        "need": lambda client: client.post("/api/v1/needs", json=need, headers=key()),
        "entry": lambda client: client.post("/api/v1/resources", json=entry, headers=key()),
        "edit": lambda client: client.put(f"/api/v1/resource-versions/{mine.id}", json=entry),
        "next": lambda client: client.post(
            f"/api/v1/resources/{published.resource_id}/versions", json=entry, headers=key()
        ),
    }


def test_a_program_prepares_nothing_that_its_official_may_not(world: World, tax: FlaskClient) -> None:
    acts = preparing(world)
    auditor = program(world.portal, world.session, world.case.requester, Role.REVIEWER, Role.SIGNATORY)
    for name, act in acts.items():
        assert refused(act(auditor)) == (403, "permission.responsible"), name
        assert refused(act(world.portal.test_client())) == (401, "access.sign_in"), name
    theirs = program(world.portal, world.session, world.case.provider, Role.REQUESTER, Role.COMPILER)
    for name in ("amend", "form", "edit", "next"):
        assert refused(acts[name](theirs)) == (403, "permission.agency"), name
    for name, act in acts.items():
        assert act(tax).status_code in {200, 201}, (name, act(tax).get_json())


def test_a_program_loses_what_its_official_loses(world: World, tax: FlaskClient) -> None:
    acts = preparing(world)
    assert acts["draft"](tax).status_code == 201
    newest = world.session.query(ApiClient).order_by(ApiClient.created_at.desc()).first()
    assert newest is not None
    guard = factories.official(world.session, world.case.requester, Role.SECURITY_ADMINISTRATOR)
    end_role(world.session, guard, newest.responsible_id, Role.REQUESTER)
    world.session.commit()
    assert actor_of_person(world.session, newest.responsible_id).roles == {"COMPILER"}
    assert refused(acts["draft"](tax)) == (403, "permission.responsible")
    assert acts["entry"](tax).status_code == 201


@pytest.mark.parametrize("path", sorted(ACTS))
def test_what_stays_with_people_is_refused_with_the_article_and_leaves_evidence(
    world: World, tax: FlaskClient, path: str
) -> None:
    address = "/api/v1" + path.replace("<uuid:", "{").replace(">", "}")
    described = tax.get("/api/v1/openapi.json").get_json()["paths"][address]["post"]
    assert described["responses"].keys() & {"200", "201"} == set()
    answer = tax.post(address.format_map(dict.fromkeys(["version_id", "application_id", "agreement_id"], uuid.uuid4())))
    assert refused(answer)[0] == 403
    assert answer.get_json()["code"].startswith("reserved.")
    assert "Art. 1" in answer.get_json()["detail"]
    entry = world.evidence("access.refused")[-1]["data"]
    assert (entry["outcome"], entry["after"]["code"]) == ("REFUSED", answer.get_json()["code"])
