"""Whatever is sent to any route by anybody: a clear answer, never a fault of the hub.

Field names come from the templates and views themselves, values from a list of what breaks programs, identifiers from a
case that has got as far as it can. The seed is fixed; a failure prints the whole request.
"""

import os
import random
import re
import uuid
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import url_for
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from werkzeug.routing import Rule

from adapters.database import Base
from directory.people.models import Account, Person, RoleAssignment
from directory.people.roles import Role
from portal.access import SIGN_IN_COOKIE, Access, Caller, declaration
from portal.edge import Portal
from schemas import contracts
from tests import factories
from tests.integration.exchange.conftest import Case, _case
from tests.integration.portal.conftest import People, signed_in
from tests.integration.portal.world import program

ROOT = Path(__file__).resolve().parents[3]
TRIES = int(os.environ.get("SHUNIU_FUZZ_TRIES", "2"))
"""Requests per route and method, and on the API per caller; `tests/prove/test_requests_further.py` raises it."""
LONG = "文" * 20_001
NASTY = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "99999999999999999999999",
    "1e309",
    "NaN",
    "2026-11-22",
    "2026-02-30",
    "9999-12-31",
    "0001-01-01",
    "10000-01-01",
    "a" * 301,
    LONG,
    "\x1b[31m",
    "\u202e\u200b",
    "\ufffd",
    "𠮷",
    "' OR 1=1 --",
    "%s%n{0}{name}{",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "UNIVERSAL",
    "INTERFACE",
    "FILES",
    "REQUESTER",
    "ask_2",
    "items",
    "null",
    "true",
    "[]",
    "{}",
    '{"a": [1, {"b": null}]}',
    "00000000-0000-4000-8000-000000000000",
    "=cmd|' /C calc'!A0",
]
FIELDS = re.compile(r'(?:form\.\w+\(|name=|\.get\(|getlist\(|fields\.\w+\()"([a-z][\w-]*)"')


@pytest.fixture
def portal(own_portal: Portal) -> Portal:
    """An application of the test's own: tests here give it routes."""
    return own_portal


@pytest.fixture
def case(portal: Portal) -> Iterator[Case]:
    """A case with an application in dispute, one granted, one drafted, and accounts for everybody."""
    engine = create_engine(portal.settings.app_database_url, poolclass=NullPool)
    with Session(engine, expire_on_commit=False) as session:
        made = _case(session)
        made.draft()
        made.form()
        made.received()
        made.granted()
        made.answer(made.received(), agreed=["ask_2"], refused=["ask_3"])
        known = set(session.scalars(select(Account.person_id)))
        for person in session.scalars(select(Person).where(Person.id.not_in(known))):
            factories.account(session, person, f"fuzz-{uuid.uuid4().hex[:12]}")
        session.commit()
        yield made
    engine.dispose()


def identifiers(session: Session) -> dict[str, list[str]]:
    """Identifiers by table, evidence's own among them."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if "id" in table.c and table.name != "case_clock":
            found[table.name] = [str(identity) for identity in session.scalars(select(table.c.id).limit(20))]
    return {name: values for name, values in found.items() if values}


def field_names() -> list[str]:
    sources = [*(ROOT / "portal" / "templates").rglob("*.html"), *(ROOT / "portal" / "pages").rglob("*.py")]
    found = {name for path in sources for name in FIELDS.findall(path.read_text(encoding="utf-8"))}
    return sorted(found - {"csrf_token"} | {"cursor", "limit", "sort", "export", "text", "next"})


def clients(portal: Portal, session: Session) -> dict[str, list[FlaskClient]]:
    """Signed-in browsers by role held; "" is everybody's."""
    found: dict[str, list[FlaskClient]] = {"": []}
    holders = select(Account.login, RoleAssignment.role).join(
        RoleAssignment, RoleAssignment.person_id == Account.person_id
    )
    of_case = Account.login.like("fuzz-%")
    for login, role in session.execute(holders.order_by(of_case.desc(), Account.login)):
        if login.startswith("fuzz-") or role not in found:
            client = portal.test_client()
            client.set_cookie(SIGN_IN_COOKIE, signed_in(portal, login))
            for place in ("", role):
                found.setdefault(place, []).append(client)
    return found


class Sender:
    """Makes requests up from a seed and sends them."""

    def __init__(self, portal: Portal, session: Session, seed: int) -> None:
        self.portal = portal
        self.random = random.Random(seed)  # noqa: S311  # a test's dice
        self.names, self.identifiers = field_names(), identifiers(session)
        self.every = [identity for values in self.identifiers.values() for identity in values]

    def value(self) -> str:
        dice = self.random.random()
        return "\x00" if dice < 0.002 else self.random.choice(self.every if dice < 0.3 else NASTY)

    def identifier(self, name: str) -> str:
        """Mostly one of the kind that the place is named after."""
        fitting = [table for table in self.identifiers if name.removesuffix("_id") in table]
        table = self.random.choice(fitting) if fitting and self.random.random() < 0.8 else ""
        return self.random.choice(self.identifiers.get(table, self.every))

    def fields(self) -> dict[str, Any]:
        chosen = self.random.sample(self.names, min(len(self.names), self.random.randint(0, 25)))
        made: dict[str, Any] = {
            name: self.identifier(name) if name.endswith("_id") else self.value() for name in chosen
        }
        made.update({name: [self.value(), self.random.choice(NASTY[:14])] for name in chosen[:2]})
        return made

    def query(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Fields as they go into an address: at most one very long text, since Python takes 0.1 s to read each."""
        kept = next((name for name, value in fields.items() if value == LONG), "")
        return {name: "文" * 301 if value == LONG and name != kept else value for name, value in fields.items()}

    def json(self, depth: int = 0) -> Any:
        dice = self.random.randint(0, 9 if depth < 3 else 6)
        if dice < 7:
            return [self.value(), None, True, -1, 10**18, 1.5, ""][dice]
        if dice < 9:
            return {name: self.json(depth + 1) for name in self.random.sample(self.names, 5)}
        return [self.json(depth + 1) for _ in range(3)]

    def body_of(self, contract: str) -> Any:
        """A body near a contract: its fields, some right, some not."""
        properties = contracts.schema(contract).get("properties", {})
        return {name: self.json(1) for name in properties if self.random.random() < 0.9}

    def address(self, rule: Rule) -> str:
        values = {
            name: self.identifier(name) if type(c).__name__ == "UUIDConverter" else self.plain(c)
            for name, c in rule._converters.items()
        }
        with self.portal.test_request_context():
            return url_for(rule.endpoint, **values)  # type: ignore[arg-type]  # names of places, not options

    def plain(self, converter: object) -> Any:
        return 1 if type(converter).__name__ == "IntegerConverter" else self.random.choice(["x", "1", "文", "a b", "%"])

    def send(self, client: FlaskClient, rule: Rule, method: str, contract: str) -> str:
        path, fields = self.address(rule), self.fields()
        more: dict[str, Any] = {"query_string": self.query(fields)}
        if method != "GET" and rule.rule.startswith("/api/"):
            more = {"json": self.body_of(contract) if contract else self.json()}
            more["headers"] = {"Idempotency-Key": uuid.UUID(int=self.random.getrandbits(128)).hex}
        elif method != "GET":
            if self.random.random() < 0.3:
                fields["file"] = (BytesIO(self.random.randbytes(200)), "文件.xlsx")
            more = {"data": fields, "content_type": "multipart/form-data"}
        if self.random.random() < 0.2:
            more.setdefault("headers", {})["HX-Request"] = "true"
        answer = client.open(path, method=method, **more)
        status = answer.status_code
        answer.close()
        return "" if status < 500 or status == 503 else f"{status} {method} {path} {more}"


def programs(portal: Portal, case: Case, stranger: FlaskClient) -> list[FlaskClient]:
    """Callers of the API: programs of both sides of the case, one of another agency, and one without a token."""
    sides = [
        program(portal, case.session, agency, Role.REQUESTER, Role.COMPILER)
        for agency in (case.requester, case.provider)
    ]
    return [*sides, stranger, portal.test_client()]


@pytest.mark.timeout(180 + 60 * TRIES)
def test_no_route_answers_500(portal: Portal, people: People, api: FlaskClient, case: Case) -> None:
    portal.config["WTF_CSRF_ENABLED"] = False
    callers = programs(portal, case, api)
    sender = Sender(portal, case.session, seed=20261122)
    browsers = clients(portal, case.session)
    failed = []
    for rule in sorted(portal.url_map.iter_rules(), key=lambda rule: rule.rule):
        declared = declaration(portal, rule.endpoint)
        if declared is None or rule.endpoint in {"static", "sign_in.leave", "sign_in.enter"}:
            continue
        contract = getattr(getattr(portal.view_functions[rule.endpoint], "endpoint", None), "request", "")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            on_api = rule.rule.startswith("/api/")
            for _ in range(TRIES):
                chosen = callers if on_api else [sender.random.choice(admitted(browsers, declared))]
                failed += [sender.send(client, rule, method, contract) for client in chosen]
    assert [failure for failure in failed if failure] == []


def admitted(browsers: dict[str, list[FlaskClient]], declared: Access) -> list[FlaskClient]:
    held = [client for role in declared.roles for client in browsers.get(Role(role), [])]
    return held if declared.caller is Caller.PERSON and held else browsers[""]


def test_the_sender_finds_a_fault(portal: Portal, people: People, case: Case) -> None:
    sender = Sender(portal, case.session, seed=1)
    assert {"login", "purpose", "lock_version"} <= set(sender.names)

    def fragile() -> str:
        raise RuntimeError("fragile")

    fragile.__dict__["access"] = Access(Caller.ANYBODY)
    portal.add_url_rule("/fragile", "fragile", fragile)
    rule = next(rule for rule in portal.url_map.iter_rules() if rule.endpoint == "fragile")
    assert sender.send(portal.test_client(), rule, "GET", "").startswith("500 GET /fragile")
