"""A password that another person set opens nothing but its own change, and makes nobody one of two people."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import click
import orjson
import pytest
from sqlalchemy import select, update

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import NotAllowed
from audit.models import Evidence
from directory.people.models import Account, Person
from directory.people.roles import Role
from portal.at_terminal import identified
from portal.edge import Portal
from tests.integration.portal.conftest import Browser, People

Opened = Callable[..., Browser]
OWN = "a password of my own"
NOTICE = "该口令已由他人重置"


def reset(people: People, browser: Opened, role: Role) -> str:
    """The security administrator of the operator resets a password on the page, and reads the new one."""
    security = browser(people.logins[Role.SECURITY_ADMINISTRATOR])
    answer = security.post(f"/people/{people.actors[role].person_id}/account", {"reset": "1"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(re.findall(r"<code[^>]*>([^<]+)</code>", answer.get_data(as_text=True))[-1])


@pytest.fixture
def operates(portal: Portal, people: People) -> People:
    """The security administrator is the operator's."""
    with transaction(portal.settings.app_database_url) as session:
        operator = people.actors[Role.SYSTEM_ADMINISTRATOR].agency_id
        guard = people.actors[Role.SECURITY_ADMINISTRATOR].person_id
        session.execute(update(Person).where(Person.id == guard).values(agency_id=operator))
    return people


def terminal(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, login: str, password: str, role: Role
) -> uuid.UUID | None:
    monkeypatch.setattr(click, "prompt", lambda *_, **__: password)
    return identified(portal.settings, login, role).person_id


def test_the_language_is_chosen_before_the_password_is_changed(
    portal: Portal, operates: People, browser: Opened
) -> None:
    role, login = Role.AUDIT_ADMINISTRATOR, operates.logins[Role.AUDIT_ADMINISTRATOR]
    given, somebody = reset(operates, browser, role), browser()
    assert somebody.sign_in(login, given).location == "/password"
    assert somebody.post("/language", {"language": "en", "next": "/password"}).location == "/password"
    somebody.post("/password", {"old": given, "new": OWN, "again": OWN})
    elsewhere = browser()
    elsewhere.sign_in(login, OWN)
    assert '<html lang="en">' in elsewhere.get("/").get_data(as_text=True)


def test_a_reset_password_is_changed_first_and_its_account_is_not_one_of_two(
    portal: Portal, operates: People, browser: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, login = Role.AUDIT_ADMINISTRATOR, operates.logins[Role.AUDIT_ADMINISTRATOR]
    given = reset(operates, browser, role)
    with pytest.raises(NotAllowed, match="Another person set this password"):
        terminal(portal, monkeypatch, login, given, role)
    somebody = browser()
    assert somebody.sign_in(login, given).location == "/password"
    for closed in ("/", "/evidence/", "/evidence/destructions/"):
        assert somebody.get(closed).status_code == 403
    assert somebody.post("/password", {"old": given, "new": given, "again": given}).status_code == 422
    assert somebody.post("/password", {"old": given, "new": OWN, "again": OWN}).status_code == 303
    assert somebody.sign_in(login, OWN).location == "/"
    assert somebody.get("/").status_code == 200
    asked = somebody.post("/evidence/destructions/", {"basis_kind": "LAW", "reason": "x"})
    assert asked.status_code == 403
    assert somebody.post(f"/evidence/destructions/{uuid.uuid4()}/decline", {"reason": "x"}).status_code == 403
    with pytest.raises(NotAllowed, match="cannot be one of two people"):
        terminal(portal, monkeypatch, login, OWN, role)
    with transaction(portal.settings.app_database_url) as session:
        later = system_now() - timedelta(days=31)
        session.execute(update(Account).where(Account.login == login).values(given_at=later))
    assert terminal(portal, monkeypatch, login, OWN, role) == operates.actors[role].person_id
    assert refused(portal, role) == ["password.given", "password.reset_lately"]
    with pytest.raises(NotAllowed, match="does not hold the role"):
        terminal(portal, monkeypatch, login, OWN, Role.SYSTEM_ADMINISTRATOR)
    assert refused(portal, Role.SYSTEM_ADMINISTRATOR) == ["terminal.wrong_role"]


def refused(portal: Portal, role: Role) -> list[str]:
    """Codes of the refusals at a terminal, oldest first, of who asked to act in a role."""
    entries = select(Evidence.body).where(Evidence.kind == "access.refused").order_by(Evidence.recorded_at)
    with transaction(portal.settings.app_database_url) as session:
        stated = [orjson.loads(body)["data"]["after"] for body in session.scalars(entries)]
    return [after["code"] for after in stated if (after.get("at"), after.get("role")) == ("terminal", role)]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SYSTEM_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR])
def test_administrators_and_auditors_see_whose_password_was_reset(
    operates: People, browser: Opened, role: Role
) -> None:
    assert NOTICE not in browser(operates.logins[Role.AUDITOR]).get("/").get_data(as_text=True)
    reset(operates, browser, role)
    for watches in (Role.AUDITOR, Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR):
        if watches != role:
            desk = browser(operates.logins[watches]).get("/").get_data(as_text=True)
            assert NOTICE in desk
            assert operates.actors[role].name in desk


def test_nobody_else_sees_resets_nor_are_those_of_others_shown(operates: People, browser: Opened) -> None:
    reset(operates, browser, Role.REQUESTER)
    assert NOTICE not in browser(operates.logins[Role.AUDITOR]).get("/").get_data(as_text=True)
    reset(operates, browser, Role.AUDIT_ADMINISTRATOR)
    assert NOTICE not in browser(operates.logins[Role.COMPILER]).get("/").get_data(as_text=True)
