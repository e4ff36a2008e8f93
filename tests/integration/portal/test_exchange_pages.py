"""Pages of cases: who sees what, what a refused form keeps, ranges of a file."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from adapters.database import transaction
from audit.models import Evidence
from directory.keys.models import AgencyKey
from directory.people.models import Person
from directory.people.roles import Role
from exchange.applications.models import Application
from exchange.grants.models import Grant
from portal.edge import Portal
from portal.pages.files import wanted_range
from tests import factories
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.world import World

Opened = Callable[..., Browser]
STATED = {
    "scope": "征管科",
    "purpose": "核对登记",
    "duty": "税收征收管理法",
    "modes": "INTERFACE",
    "term_to": "2099-12-31",
}


@pytest.fixture
def version(portal: Portal, people: People) -> str:
    """A published entry of another agency: one universal item, one on request, one that is not shared."""
    parts = [
        factories.item(1, field_name="open_1"),
        factories.item(2, field_name="ask_2", **factories.on_request()),
        factories.item(3, field_name="kept_3", **factories.not_shared()),
    ]
    with transaction(portal.settings.app_database_url) as session:
        other = factories.agency(session)
        return str(factories.published_resource(session, other, parts, modes=["INTERFACE", "FILES"]).id)


def count(portal: Portal, statement: object) -> int:
    with transaction(portal.settings.app_database_url) as session:
        return session.scalar(statement) or 0  # type: ignore[call-overload]  # a count of any table


def test_an_application_is_drafted_and_printed(portal: Portal, people: People, browser: Opened, version: str) -> None:
    requester = browser(people.logins[Role.REQUESTER])
    page = requester.get(f"/applications/new?version={version}").get_data(as_text=True)
    assert 'value="ask_2"' in page
    assert 'name="items" value="kept_3"' not in page
    made = requester.post("/applications/", {**STATED, "version": version, "items": "ask_2"})
    assert made.status_code == 303
    requester.get(made.location)
    printed = requester.post(f"{made.location}/form", {})
    assert printed.location == f"{made.location}/form"
    form = requester.get(printed.location).get_data(as_text=True)
    assert "核对登记" in form
    assert "<svg" in form


def test_a_refused_draft_keeps_what_was_typed_and_saves_nothing(
    portal: Portal, people: People, browser: Opened, version: str
) -> None:
    requester = browser(people.logins[Role.REQUESTER])
    wrong = requester.post("/applications/", {**STATED, "version": version, "term_to": "never"})
    assert wrong.status_code == 422
    assert "核对登记" in wrong.get_data(as_text=True)
    assert count(portal, select(func.count()).select_from(Application)) == 0


def test_an_empty_form_is_told_all_its_faults_at_once(people: People, browser: Opened, version: str) -> None:
    requester = browser(people.logins[Role.REQUESTER])
    empty = requester.post("/applications/", {"version": version, "term_to": "never", "quota_rows": "many"})
    assert empty.status_code == 422
    named = set(re.findall(r'href="#field-([a-z_]+)"', empty.get_data(as_text=True)))
    assert named == {"items", "scope", "purpose", "duty", "modes", "term_to", "quota_rows"}
    assert 'value="never"' in empty.get_data(as_text=True)
    need = requester.post("/needs/", {"purpose": "核对"})
    assert need.status_code == 422
    named = set(re.findall(r'href="#field-([a-z_]+)"', need.get_data(as_text=True)))
    assert named == {"provider_id", "description", "duty"}
    assert "核对" in need.get_data(as_text=True)


def test_picking_what_is_not_shared_is_refused_and_evidenced(
    portal: Portal, people: People, browser: Opened, version: str
) -> None:
    requester = browser(people.logins[Role.REQUESTER])
    answer = requester.post("/applications/", {**STATED, "version": version, "items": "kept_3"})
    assert (answer.status_code, answer.headers["X-Shuniu-Code"]) == (403, "application.not_shareable")
    refused = Evidence.kind == "application.drafted", Evidence.outcome == "REFUSED"
    assert count(portal, select(func.count()).select_from(Evidence).where(*refused)) == 1


def test_another_agencys_case_and_its_evidence_are_closed(
    portal: Portal, people: People, browser: Opened, version: str
) -> None:
    requester = browser(people.logins[Role.REQUESTER])
    made = requester.post("/applications/", {**STATED, "version": version, "items": "ask_2"})
    matter = made.location.rpartition("/")[2]
    with transaction(portal.settings.app_database_url) as session:
        stranger_agency = factories.agency(session)
        login = factories.account(session, factories.person(session, stranger_agency, "REQUESTER"), "stranger").login
    stranger = browser(login)
    assert stranger.get(made.location).status_code == 404
    assert stranger.get(f"/evidence/?matter=application/{matter}").status_code == 403
    assert browser(people.logins[Role.AUDITOR]).get(f"/evidence/?matter=application/{matter}").status_code == 200


def test_nothing_is_browsed_without_a_purpose_and_a_case(people: People, browser: Opened) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    assert browser(people.logins[Role.REQUESTER]).post(f"/browse/{missing}", {}).status_code == 404


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (0, 100, 200)),
        ({"Range": "bytes=0-9"}, (0, 10, 206)),
        ({"Range": "bytes=90-"}, (90, 100, 206)),
        ({"Range": "bytes=-5"}, (95, 100, 206)),
        ({"Range": "bytes=100-"}, (0, 0, 416)),
        ({"Range": "bytes=0-1,5-6"}, (0, 100, 200)),
        ({"Range": "rows=0-1"}, (0, 100, 200)),
        ({"Range": "bytes=0-9", "If-Range": '"digest"'}, (0, 10, 206)),
        ({"Range": "bytes=0-9", "If-Range": '"other"'}, (0, 100, 200)),
        ({"Range": "bytes=0-9", "If-Range": 'W/"digest"'}, (0, 100, 200)),
    ],
)
def test_ranges_of_a_file(portal: Portal, headers: dict[str, str], expected: tuple[int, int, int]) -> None:
    with portal.test_request_context("/files/x", headers=headers):
        assert wanted_range(100, "digest") == expected


def test_the_delivery_form_offers_what_the_grant_and_the_agencys_keys_let_it_have(
    world: World, people: People, browser: Opened
) -> None:
    case, session = world.case, world.session
    login = factories.account(session, session.get_one(Person, case.asks.person_id), "asks").login
    session.commit()
    asks, form = browser(login), f"/deliveries/new?grant={world.granted.id}"
    page = asks.get(form).get_data(as_text=True)
    assert re.findall(r'name="format" value="([A-Z]+)"', page) == ["CSV", "PARQUET"]
    assert f"/agencies/{case.requester.id}?tab=keys" in page
    session.add(
        AgencyKey(
            agency_id=case.requester.id,
            purpose="RECEIVE",
            fingerprint="e" * 64,
            public_key="age1x",
            registered_by=case.asks.person_id,
        )
    )
    session.commit()
    page = asks.get(form).get_data(as_text=True)
    assert re.findall(r'name="format" value="([A-Z]+)"', page) == ["CSV", "PARQUET", "PACKAGE"]
    session.get_one(Grant, world.granted.id).modes = ["BROWSE"]
    session.commit()
    page = asks.get(form).get_data(as_text=True)
    assert 'name="format"' not in page
    assert "在线浏览" in page
