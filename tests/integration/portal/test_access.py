"""Every route against every kind of caller: what its declaration says is what happens."""

from collections.abc import Callable, Iterator

import pytest
from flask import url_for
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from audit.actor import Actor
from portal.access import Access, Caller, declaration
from portal.edge import Portal
from tests.integration.portal.conftest import Browser, People

NO_SUCH = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def portal(own_portal: Portal) -> Portal:
    """An application of the test's own: tests here give it routes."""
    return own_portal


def calls(portal: Portal) -> Iterator[tuple[str, str, str, Access]]:
    for rule in portal.url_map.iter_rules():
        declared = declaration(portal, rule.endpoint)
        if declared is None or rule.endpoint in {"static", "sign_in.leave"}:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, address(portal, rule), declared


def address(portal: Portal, rule: Rule) -> str:
    values = {name: NO_SUCH if type(c).__name__ == "UUIDConverter" else "1" for name, c in rule._converters.items()}
    with portal.test_request_context():
        return url_for(rule.endpoint, **values)  # type: ignore[arg-type]  # names of a rule's places are never its options


def turned_away(client: FlaskClient, method: str, path: str) -> bool:
    answer = client.open(path, method=method)
    code = answer.headers.get("X-Shuniu-Code", "")
    assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
    return code.startswith("access.")


def test_every_route_declares_who_may_use_it(portal: Portal) -> None:
    silent = [rule.endpoint for rule in portal.url_map.iter_rules() if declaration(portal, rule.endpoint) is None]
    assert silent == []


def test_every_route_lets_in_whom_it_declares_and_nobody_else(
    portal: Portal, people: People, browser: Callable[..., Browser], api: FlaskClient
) -> None:
    callers: list[tuple[str, Actor, FlaskClient]] = [("nobody", Actor(), browser().client)]
    callers += [(role, people.actors[role], browser(login).client) for role, login in people.logins.items()]
    wrong = []
    for endpoint, method, path, declared in calls(portal):
        for name, actor, client in callers:
            on_api = path.startswith(("/api/", "/oauth/"))
            let_in = declared.caller is Caller.ANYBODY or (declared.admits(actor) and not on_api)
            if turned_away(client, method, path) == let_in:
                wrong.append(f"{method} {endpoint} for {name}")
        let_in = declared.caller is Caller.ANYBODY or (declared.admits(people.client) and path.startswith("/api/"))
        if turned_away(api, method, path) == let_in:
            wrong.append(f"{method} {endpoint} for a program")
    assert wrong == []


def test_a_view_that_declares_nothing_is_closed_to_everybody(
    portal: Portal, people: People, browser: Callable[..., Browser]
) -> None:
    portal.add_url_rule("/silent", "silent", lambda: "open")
    for login in people.logins.values():
        answer = browser(login).get("/silent")
        assert (answer.status_code, answer.headers["X-Shuniu-Code"]) == (403, "access.undeclared")
    assert browser().get("/silent").status_code in {403, 303}
