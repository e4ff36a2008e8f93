"""A portal over a database of the test's own, with people of every role who sign in with their password."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from werkzeug.test import TestResponse

from adapters.clock import system_now
from adapters.database import engine, single_statements, transaction
from adapters.settings import Settings
from audit.actor import Actor
from directory.people.models import Account, SignIn
from directory.people.roles import Role
from directory.people.secrets import new_token, token_hash
from portal.access import SIGN_IN_COOKIE
from portal.app import create_app
from portal.edge import Portal
from portal.wiring import wire
from tests import factories
from tests.integration.portal.world import World, made

OFFICE_OF = {
    Role.COORDINATOR: "COORDINATING_OFFICE",
    Role.REGULATOR: "REGULATOR",
    Role.SYSTEM_ADMINISTRATOR: "REGULATOR",
    Role.SECURITY_ADMINISTRATOR: "REGULATOR",
    Role.AUDIT_ADMINISTRATOR: "REGULATOR",
    Role.AUDITOR: "AUDIT_OFFICE",
}
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class People:
    """Who is there: login of one person per role, their actors, one program of an agency."""

    logins: dict[Role, str] = field(default_factory=dict)
    actors: dict[Role, Actor] = field(default_factory=dict)
    client: Actor = field(default_factory=Actor)


class Browser:
    """A test client that does what a browser does: keeps cookies and sends back the token of the form."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        """Get a page and remember its form token."""
        answer = self.client.get(path, **more)
        found = _TOKEN.search(answer.get_data(as_text=True)) if "text/html" in answer.content_type else None
        self.token = found.group(1) if found else self.token
        return answer

    def post(self, path: str, fields: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        """Send a form with the token."""
        if not self.token:
            self.get("/sign-in" if self.client.get_cookie("shuniu_sign_in") is None else "/password")
        return self.client.post(path, data={"csrf_token": self.token, **(fields or {})}, **more)

    def sign_in(self, login: str, password: str = factories.PASSWORD) -> TestResponse:
        """Sign in through the page."""
        self.token = ""
        answer = self.post("/sign-in", {"login": login, "password": password})
        self.token = ""
        return answer


@pytest.fixture
def portal_settings(fresh: dict[str, str]) -> Settings:
    """Settings over a database of the test's own."""
    return Settings.load(fresh)


@pytest.fixture(scope="session")
def shared_portal(settings: Settings) -> Portal:
    """The application; to build it and to compile its templates takes longer than most tests."""
    return create_app(settings)


@pytest.fixture
def portal(shared_portal: Portal, portal_settings: Settings) -> Portal:
    """The application, as the server runs it, over the test's own database."""
    wire(portal_settings)
    shared_portal.settings = portal_settings
    return shared_portal


@pytest.fixture
def own_portal(portal_settings: Settings) -> Portal:
    """An application of the test's own, whose routes and settings it may change."""
    return create_app(portal_settings)


@pytest.fixture
def people(portal: Portal) -> People:
    """One person per role, each with an account, and one program."""
    found = People()
    with transaction(portal.settings.app_database_url) as session:
        offices = {office: factories.agency(session, office=office) for office in sorted(set(OFFICE_OF.values()))}
        member = factories.agency(session)
        for role in Role:
            agency = offices.get(OFFICE_OF.get(role, ""), member)
            person = factories.person(session, agency, role)
            found.logins[role] = factories.account(session, person, role.lower()).login
            found.actors[role] = factories.actor(agency, person, role)
        found.client = factories.client(session, member)
    return found


def signed_in(portal: Portal, login: str) -> str:
    """The token of a sign-in made without the page, so that it takes no password hashing."""
    token = new_token()
    with transaction(portal.settings.app_database_url) as session:
        account = session.scalars(select(Account).where(Account.login == login)).one()
        later = system_now() + timedelta(hours=1)
        session.add(SignIn(token_hash=token_hash(token), account_id=account.id, expires_at=later))
    return token


@pytest.fixture
def browser(portal: Portal) -> Callable[..., Browser]:
    """``browser()`` is a stranger's, ``browser("login")`` one that is signed in."""

    def opened(login: str = "") -> Browser:
        made = Browser(portal.test_client())
        if login:
            made.client.set_cookie(SIGN_IN_COOKIE, signed_in(portal, login), httponly=True)
        return made

    return opened


@pytest.fixture
def api(portal: Portal, people: People) -> FlaskClient:
    """A client of the API that carries a bearer token of the program in ``people``."""
    client = portal.test_client()
    credentials = {"client_id": people.client.client_id, "client_secret": factories.PASSWORD}
    answer = client.post("/oauth/token", data={"grant_type": "client_credentials", **credentials})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {answer.get_json()['access_token']}"
    return client


@pytest.fixture
def world(portal: Portal) -> Iterator[World]:
    """A case of two agencies with their programs, a granted application and loaded rows."""
    own = create_engine(portal.settings.app_database_url, poolclass=NullPool)
    with Session(own, expire_on_commit=False) as session:
        yield made(portal, session)
    own.dispose()


@pytest.fixture(autouse=True)
def _no_connections_left(fresh: dict[str, str]) -> Any:
    """Give back this database's connections, since the database is dropped."""
    yield
    engine(fresh["SHUNIU_APP_DATABASE_URL"]).dispose()
    single_statements(fresh["SHUNIU_APP_DATABASE_URL"]).dispose()
