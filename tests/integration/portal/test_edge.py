"""The edge: one commit per request, errors as pages and problem details, refusals as evidence, counts of strangers."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask import Flask, request
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from adapters.database import transaction
from adapters.errors import Conflict, InvalidInput, Misconfigured, NotAllowed, NotAuthenticated, Terminal
from audit.models import Evidence
from audit.reconcile import registered
from directory.agencies.models import Agency
from directory.people.roles import Role
from portal import refusals
from portal.access import CLIENT, PUBLIC, SIGNED_IN, Access, access
from portal.app import create_app
from portal.at_terminal import identified
from portal.edge import Portal, current_session
from portal.models import UnknownRefusal
from tests import factories
from tests.integration.portal.conftest import Browser, People

Opened = Callable[..., Browser]


@pytest.fixture
def portal(own_portal: Portal) -> Portal:
    """An application of the test's own: tests here give it routes."""
    return own_portal


@pytest.fixture
def somebody(people: People, browser: Opened) -> Browser:
    return browser(people.logins[Role.REQUESTER])


def route(portal: Flask, path: str, view: Callable[[], object], who: Access = SIGNED_IN, **more: bool) -> None:
    portal.config["WTF_CSRF_ENABLED"] = False

    def body() -> Any:
        return view()

    portal.add_url_rule(path, path, access(who, **more)(body), methods=["GET", "POST"])


def agencies(portal: Portal) -> int:
    with transaction(portal.settings.app_database_url) as session:
        return session.scalar(select(func.count()).select_from(Agency)) or 0


def refused(portal: Portal) -> list[tuple[str, str]]:
    with transaction(portal.settings.app_database_url) as session:
        rows = session.execute(select(Evidence.kind, Evidence.subject).where(Evidence.outcome == "REFUSED"))
        return [(row.kind, row.subject) for row in rows]


def make_agency() -> str:
    factories.agency(current_session())
    return "made"


def test_only_a_successful_unsafe_request_is_committed(portal: Portal, people: People, browser: Opened) -> None:
    def fail() -> str:
        make_agency()
        raise Conflict("test.late", "Too late.")

    route(portal, "/make", make_agency)
    route(portal, "/make-and-fail", fail)
    route(portal, "/look", make_agency, commits=True)
    somebody, before = browser(people.logins[Role.REQUESTER]), agencies(portal)
    assert somebody.get("/make").status_code == 200
    assert somebody.client.post("/make-and-fail").status_code == 409
    assert agencies(portal) == before
    somebody.client.post("/make")
    somebody.get("/look")
    assert agencies(portal) == before + 2


def test_a_refusal_of_a_known_caller_is_evidence_and_the_rest_is_undone(
    portal: Portal, people: People, browser: Opened
) -> None:
    subject = f"agency/{uuid.uuid4()}"

    def refuse() -> str:
        make_agency()
        raise NotAllowed("test.no", "You may not.").refused("agency.registered", subject)

    def conflict() -> str:
        raise Conflict("test.state", "Not now.").refused("application.drafted", subject)

    def plain() -> str:
        raise Conflict("test.plain", "Not now.")

    for path, view in (("/refuse", refuse), ("/conflict", conflict), ("/plain", plain)):
        route(portal, path, view)
    somebody, before = browser(people.logins[Role.REQUESTER]), agencies(portal)
    assert [somebody.client.post(path).status_code for path in ("/refuse", "/conflict", "/plain")] == [403, 409, 409]
    assert refused(portal) == [("agency.registered", subject), ("application.drafted", subject)]
    assert agencies(portal) == before


def test_strangers_are_counted_and_leave_no_entries(portal: Portal, browser: Opened) -> None:
    stranger = browser()
    for _ in range(20):
        assert stranger.client.get("/").status_code == 303
        assert portal.test_client().get("/api/v1/none").status_code == 404
    assert refused(portal) == []
    refusals.flush()
    assert counted(portal) == [("access.sign_in", 20)]


def counted(portal: Portal) -> list[tuple[str, int]]:
    with transaction(portal.settings.app_database_url) as session:
        return [(row.code, row.times) for row in session.scalars(select(UnknownRefusal))]


def test_a_closed_hour_of_strangers_is_one_entry_that_its_rows_bear_out(portal: Portal) -> None:
    url, at_all = portal.settings.app_database_url, update(UnknownRefusal)
    refusals.write(url, {"access.sign_in": 20, "token.refused": 3})
    with transaction(url) as session:
        assert refusals.sum_up(session) == 0, "the hour goes on"
        session.execute(at_all.values(hour=UnknownRefusal.hour - timedelta(hours=2)))
    for done in (1, 0):
        with transaction(url) as session:
            assert refusals.sum_up(session) == done
    with transaction(url) as session:
        bodies = session.scalars(select(Evidence.body).where(Evidence.kind == "access.refused_unknown")).all()
        told = [orjson.loads(body)["data"]["after"] for body in bodies]
        assert [one["times"] for one in told] == [{"access.sign_in": 20, "token.refused": 3}]
        assert differing(session) == []
        session.execute(at_all.where(UnknownRefusal.code == "token.refused").values(times=4))
        assert differing(session) == ["refused_unknown-times"]
        session.execute(at_all.values(sum_id=uuid.uuid4()))
        assert differing(session) == ["refused_unknown", "refused_unknown-entries"]


def differing(session: Session) -> list[str]:
    ours = {name: check for name, check in registered().items() if name.startswith("refused_unknown")}
    return [name for name, check in ours.items() if list(check(session))]


def test_a_portal_without_the_key_of_promises_does_not_start(portal: Portal) -> None:
    with pytest.raises(Misconfigured, match="SHUNIU_PROMISE_KEY"):
        create_app(replace(portal.settings, promise_key=""))


def test_a_sign_in_under_an_unknown_login_is_counted(portal: Portal) -> None:
    portal.config["WTF_CSRF_ENABLED"] = False
    portal.test_client().post("/sign-in", data={"login": "nobody.here", "password": "wrong"})
    refusals.flush()
    assert ("sign_in.refused", 1) in counted(portal)


def test_a_sign_in_at_a_terminal_under_an_unknown_login_is_counted(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.prompt", lambda *_, **__: "wrong")
    with pytest.raises(NotAuthenticated):
        identified(portal.settings, "nobody.here", Role.AUDITOR)
    refusals.flush()
    assert ("sign_in.refused", 1) in counted(portal)


def test_counts_that_could_not_be_written_are_kept(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("away"))

    refusals.flush()
    with monkeypatch.context() as broken:
        broken.setattr(refusals, "write", away)
        refusals.count(portal.settings.app_database_url, "token.refused")
        refusals.flush()
    refusals.flush()
    assert ("token.refused", 1) in counted(portal)


def test_a_fault_of_the_hub_is_a_number_and_nothing_of_its_inside(portal: Portal, somebody: Browser) -> None:
    def fault() -> str:
        raise RuntimeError("secret inside")

    route(portal, "/fault", fault)
    route(portal, "/api/v1/fault", fault, PUBLIC)
    page = somebody.get("/fault")
    body = page.get_data(as_text=True)
    assert page.status_code == 500
    assert "secret inside" not in body
    assert "Traceback" not in body
    assert page.headers["X-Request-Id"] in body
    problem = somebody.get("/api/v1/fault")
    assert (problem.status_code, problem.content_type) == (500, "application/problem+json")
    assert problem.get_json()["instance"].endswith(problem.headers["X-Request-Id"])
    assert "secret" not in problem.get_data(as_text=True)


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("INSERT INTO case_clock (id, offset_seconds) VALUES (1, 0), (1, 0)", 409, "database.already_there"),
        ("INSERT INTO case_clock (id, offset_seconds) VALUES (2, 0)", 422, "database.not_possible"),
        ("INSERT INTO case_clock (id, offset_seconds) VALUES (1, NULL)", 422, "database.incomplete"),
        ("INSERT INTO case_clock (id, offset_seconds) VALUES (1, 1e30)", 422, "database.not_storable"),
        ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)", 503, "database.busy"),
    ],
)
def test_what_the_database_refuses_is_said_in_words(
    portal: Portal, somebody: Browser, statement: str, status: int, code: str
) -> None:
    route(portal, "/break", lambda: str(current_session().execute(text(statement))))
    answer = somebody.client.post("/break")
    assert (answer.status_code, answer.headers["X-Shuniu-Code"]) == (status, code)
    assert "INSERT" not in answer.get_data(as_text=True)


def test_when_the_connection_breaks_at_the_commit_nobody_says_that_nothing_was_done(
    portal: Portal, somebody: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    def cut_off() -> str:
        make_agency()
        mine = current_session().scalar(text("SELECT pg_backend_pid()"))
        with transaction(portal.settings.app_database_url) as other:
            other.execute(text("SELECT pg_terminate_backend(:mine, 5000)"), {"mine": mine})
        return "made"

    route(portal, "/cut", cut_off)
    answer = somebody.client.post("/cut")
    assert (answer.status_code, answer.headers["X-Shuniu-Code"]) == (503, "database.unknown")
    said = answer.get_data(as_text=True)
    assert ("还不知道是否已经完成" in said, "未作任何改动" in said) == (True, False)
    assert {record.levelname for record in caplog.records if record.name == "shuniu.portal"} == {"WARNING"}


def test_a_stale_form_is_a_conflict(portal: Portal, somebody: Browser) -> None:
    def stale() -> str:
        raise StaleDataError("UPDATE statement on table expected to update 1 row(s); 0 were matched.")

    route(portal, "/stale", stale)
    answer = somebody.client.post("/stale")
    assert (answer.status_code, answer.headers["X-Shuniu-Code"]) == (409, "form.stale")


def test_errors_are_said_in_the_readers_language_with_readable_values(portal: Portal, somebody: Browser) -> None:
    def many() -> str:
        raise InvalidInput("test.many", "The body is nested more than {limit} levels deep.", limit=1_234_567)

    route(portal, "/many", many)
    route(portal, "/api/v1/many", many, PUBLIC)
    assert "请求内容嵌套超过 1,234,567 层。" in somebody.get("/many").get_data(as_text=True)
    english = somebody.client.get("/api/v1/many", headers={"Accept-Language": "en"}).get_json()
    assert english["detail"] == "The body is nested more than 1,234,567 levels deep."
    assert english["code"] == "test.many"


def test_a_part_of_a_page_gets_a_part_as_its_error(portal: Portal, somebody: Browser) -> None:
    def no() -> str:
        raise Terminal("test.no", "No.")

    route(portal, "/part", no)
    answer = somebody.client.get("/part", headers={"HX-Request": "true"})
    assert answer.headers["HX-Retarget"] == "#messages"
    assert "<html" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/%00", "/?a=%00", "/catalogue/not-a-uuid", "/%ff%fe", "/a" * 3000])
def test_addresses_that_cannot_be_are_answered(somebody: Browser, path: str) -> None:
    assert somebody.get(path).status_code in {400, 404, 414}


def test_a_body_over_the_limit_is_refused_unless_the_route_takes_uploads(portal: Portal, somebody: Browser) -> None:

    route(portal, "/read", lambda: str(len(request.get_data())))
    route(portal, "/upload", lambda: str(len(request.get_data())), upload=True)
    body = b"x" * (portal.settings.body_limit + 1)
    assert somebody.client.post("/read", data=body).status_code == 413
    assert somebody.client.post("/upload", data=body).status_code == 200


def test_every_answer_carries_the_headers_that_protect_its_reader(portal: Portal, somebody: Browser) -> None:
    for path in ("/", "/sign-in", "/nothing", "/api/v1/openapi.json", "/static/css/portal.css"):
        answer = somebody.get(path)
        headers = answer.headers
        answer.close()
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert somebody.get("/").headers["Cache-Control"] == "no-store"


def test_the_cookie_is_no_way_into_the_api(portal: Portal, somebody: Browser) -> None:
    route(portal, "/api/v1/closed", lambda: "", CLIENT)
    answer = somebody.get("/api/v1/closed")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "access.sign_in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
