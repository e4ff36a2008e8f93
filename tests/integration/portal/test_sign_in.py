"""Signing in and out through the pages: cookies, lock-out, language, password, form tokens."""

from collections.abc import Callable

from sqlalchemy import func, select

from adapters.database import transaction
from audit.models import Evidence
from directory.people.models import Account
from directory.people.roles import Role
from portal.access import SIGN_IN_COOKIE
from portal.edge import Portal
from tests import factories
from tests.integration.portal.conftest import Browser, People

Opened = Callable[..., Browser]


def evidence(portal: Portal, kind: str, outcome: str = "DONE") -> int:
    with transaction(portal.settings.app_database_url) as session:
        counted = select(func.count()).where(Evidence.kind == kind, Evidence.outcome == outcome)
        return session.scalar(counted.select_from(Evidence)) or 0


def test_a_person_signs_in_lands_on_the_desk_and_signs_out(portal: Portal, people: People, browser: Opened) -> None:
    somebody = browser()
    answer = somebody.sign_in(people.logins[Role.REQUESTER])
    assert (answer.status_code, answer.location) == (303, "/")
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith(SIGN_IN_COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert people.actors[Role.REQUESTER].name in somebody.get("/").get_data(as_text=True)
    token = somebody.client.get_cookie(SIGN_IN_COOKIE)
    assert token is not None
    assert somebody.post("/sign-out").status_code == 303
    somebody.client.set_cookie(SIGN_IN_COOKIE, token.value)
    assert somebody.get("/").location == "/sign-in"
    assert (evidence(portal, "account.signed_in"), evidence(portal, "account.signed_out")) == (1, 1)


def test_wrong_passwords_are_counted_although_refused_and_lock_the_account(
    portal: Portal, people: People, browser: Opened
) -> None:
    login, stranger = people.logins[Role.REQUESTER], browser()
    for _ in range(portal.settings.lockout_failures):
        answer = stranger.sign_in(login, "not-the-password")
        assert answer.status_code == 401
        assert 'role="alert"' in answer.get_data(as_text=True)
        assert "not-the-password" not in answer.get_data(as_text=True)
    assert stranger.sign_in(login).status_code == 401
    with transaction(portal.settings.app_database_url) as session:
        account = session.scalars(select(Account).where(Account.login == login)).one()
        assert account.locked_until is not None
    assert "Shuniu-Promise" not in answer.headers, "it would tell a stranger that there is such an account"
    failures = portal.settings.lockout_failures
    assert evidence(portal, "account.sign_in_refused", "REFUSED") == failures + 1, "that it is locked is an entry too"
    assert stranger.sign_in(login).status_code == 401
    assert evidence(portal, "account.sign_in_refused", "REFUSED") == failures + 1, "which is enough for ten minutes"


def test_nobody_is_sent_to_a_foreign_address_after_signing_in(people: People, browser: Opened) -> None:
    login = people.logins[Role.REQUESTER]
    for foreign in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: b",
    ):
        stranger = browser()
        answer = stranger.post("/sign-in", {"login": login, "password": factories.PASSWORD, "next": foreign})
        assert (answer.status_code, answer.location) == (303, "/")
    own = browser().post("/sign-in", {"login": login, "password": factories.PASSWORD, "next": "/password?a=1"})
    assert own.location == "/password?a=1"


def test_a_form_without_its_token_changes_nothing(people: People, browser: Opened) -> None:
    somebody = browser(people.logins[Role.REQUESTER])
    answer = somebody.client.post("/sign-out")
    assert (answer.status_code, answer.headers["X-Shuniu-Code"]) == (400, "form.token")
    assert somebody.get("/").status_code == 200


def test_the_language_is_chinese_first_and_english_one_click_away(people: People, browser: Opened) -> None:
    stranger = browser()
    assert '<html lang="zh-Hans-CN">' in stranger.get("/sign-in").get_data(as_text=True)
    assert stranger.post("/language", {"language": "en", "next": "/sign-in"}).location == "/sign-in"
    assert "<h1>Sign in</h1>" in stranger.get("/sign-in").get_data(as_text=True)
    assert stranger.post("/language", {"language": "tlh"}).status_code == 422
    browser(people.logins[Role.REQUESTER]).post("/language", {"language": "en"})
    assert '<html lang="en">' in browser(people.logins[Role.REQUESTER]).get("/").get_data(as_text=True)


def test_changing_the_password_ends_every_sign_in(people: People, browser: Opened) -> None:
    login = people.logins[Role.REQUESTER]
    here, elsewhere = browser(login), browser(login)
    new = "another long password"
    fields = {"old": factories.PASSWORD, "new": new, "again": "differs"}
    assert here.post("/password", fields).status_code == 422
    assert here.post("/password", {**fields, "old": "wrong", "again": new}).status_code in {403, 422}
    assert here.post("/password", {**fields, "again": new}).location == "/sign-in"
    assert elsewhere.get("/").location == "/sign-in"
    assert browser().sign_in(login, new).location == "/"
