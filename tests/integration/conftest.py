"""A PostgreSQL and an object store of the tests' own, on free ports, for as long as the test run lasts."""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.errors import Transient
from adapters.services.databases import connect
from adapters.services.foundation import running
from adapters.settings import Settings
from portal.migrations.run import upgrade
from tests.in_memory import database_strategy

TEMPLATE = "shuniu_template"
DATABASE_SETTINGS = ("SHUNIU_DATABASE_URL", "SHUNIU_APP_DATABASE_URL", "SHUNIU_SEQUENCER_DATABASE_URL")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a running home: PostgreSQL (migrated) and SeaweedFS; shared by the whole run."""
    with ExitStack() as stack:
        home, environment = _started(stack, tmp_path_factory)
        upgrade(environment["SHUNIU_DATABASE_URL"])
        with connect(environment["SHUNIU_DATABASE_URL"]) as connection:
            create_database(connection, TEMPLATE, "shuniu")
        yield environment | {"SHUNIU_EVIDENCE_GRACE_SECONDS": "86400"}  # no worker signs in this database
    shutil.rmtree(home)


def _started(stack: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home and its services. What was a free port may be another process's when the service comes: then once more."""
    for _ in range(2):
        with suppress(Transient):
            return (home := tmp_path_factory.mktemp("home")), stack.enter_context(running(home))
    return (home := tmp_path_factory.mktemp("home")), stack.enter_context(running(home))


@pytest.fixture(scope="session")
def settings(services: dict[str, str]) -> Settings:
    """Settings of the shared home."""
    return Settings.load(services)


@pytest.fixture(scope="session")
def owner_url(services: dict[str, str]) -> str:
    """Owner's address of the shared database."""
    return services["SHUNIU_DATABASE_URL"]


@pytest.fixture(scope="session")
def app_url(services: dict[str, str]) -> str:
    """Application's address of the shared database."""
    return services["SHUNIU_APP_DATABASE_URL"]


@pytest.fixture(scope="session")
def sequencer_url(services: dict[str, str]) -> str:
    """Sequencer's address of the shared database."""
    return services["SHUNIU_SEQUENCER_DATABASE_URL"]


@pytest.fixture(scope="session")
def serving_url(services: dict[str, str]) -> str:
    """Address of the serving database."""
    return services["SHUNIU_SERVING_URL"]


@pytest.fixture
def fresh(services: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment with a migrated, empty database of the test's own; its log has a place in the shared store."""
    name = f"test_{uuid.uuid4().hex}"
    with connect(services["SHUNIU_DATABASE_URL"]) as connection:
        create_database(connection, name)
        own = {key: _elsewhere(services[key], name) for key in DATABASE_SETTINGS}
        yield services | own | {"SHUNIU_LOG_PREFIX": name}
        drop_database(connection, name)


@pytest.fixture
def session(fresh: dict[str, str]) -> Iterator[Session]:
    """A session of the application's role in a database of the test's own."""
    engine = create_engine(fresh["SHUNIU_APP_DATABASE_URL"], poolclass=NullPool)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder of the test's own."""
    return tmp_path / "home"


def create_database(connection: Connection, name: str, template: str = TEMPLATE) -> None:
    """Make a database like another one; by default it is migrated and empty."""
    names = map(Identifier, (name, template, database_strategy()))
    connection.execute(SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(*names))


def drop_database(connection: Connection, name: str) -> None:
    """Drop a database; an autovacuum at work in it may not be ended by its owner, so it is waited for."""
    for _ in range(600):
        try:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
            return
        except InsufficientPrivilege:
            time.sleep(0.1)
    raise TimeoutError(name)


def _elsewhere(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
