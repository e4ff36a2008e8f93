"""An evidence log of a test's own, seen as each of the database's three roles."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.database import engine
from adapters.services.databases import connect
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append, configure
from audit.keys import SigningKey
from audit.personal import Seal
from audit.report import Report
from audit.sequence import sequence
from audit.verify import verify_log
from tests.integration.conftest import create_database

ROLES = {
    "owner": "SHUNIU_DATABASE_URL",
    "app": "SHUNIU_APP_DATABASE_URL",
    "sequencer": "SHUNIU_SEQUENCER_DATABASE_URL",
}
AGENCY = "11310000000000000X"


@dataclass(frozen=True)
class Log:
    """A database and what the log needs."""

    environment: dict[str, str]

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environment)

    @property
    def key(self) -> SigningKey:
        return SigningKey.from_setting(self.settings.log_origin, self.settings.log_key)

    @contextmanager
    def session(self, role: str) -> Iterator[Session]:
        """A session of a role, rolled back at the end unless the test commits."""
        with Session(create_engine(self.environment[ROLES[role]], poolclass=NullPool)) as session:
            yield session

    def write(self, count: int, matter: str = "") -> list[uuid.UUID]:
        """Commit entries, with personal details beside every other one."""
        ids = []
        with self.session("app") as session:
            for number in range(count):
                actor = Actor(person_id=uuid.uuid4(), agency_code=AGENCY, name="张三" if number % 2 else "")
                entry = append(
                    session, "test.written", f"test/{number}", actor, matter=matter, after={"number": number}
                )
                ids.append(entry.id)
            session.commit()
        return ids

    def sequence(self, limit: int = 2_000) -> int:
        """One batch of the sequencer."""
        with self.session("sequencer") as session:
            done = sequence(session, self.key, self.settings.log_origin, limit)
            session.commit()
        return done

    def verify(self, session: Session, kept: str = "") -> Report:
        """Verify as a session sees the log, without reconcilers."""
        seal = Seal(self.settings.sealing_key)
        key, second = self.key.verifier, self.key.second.verifier
        return verify_log(session, key, self.settings.log_origin, {}, seal=seal, kept=kept, second=second)

    def verified(self, kept: str = "") -> Report:
        """Verify what is committed."""
        with self.session("app") as session:
            return self.verify(session, kept)


@pytest.fixture
def log(fresh: dict[str, str]) -> Iterator[Log]:
    """An empty log of the test's own."""
    yield _configured(fresh)
    _disconnect(fresh)


@pytest.fixture
def long_log(shared_log: Log) -> Log:
    """600 entries, numbered in batches of 100, and 3 that wait; shared by tests that roll back what they do."""
    return _configured(shared_log.environment)


@pytest.fixture(scope="session")
def shared_log(services: dict[str, str]) -> Iterator[Log]:
    """What `long_log` gives, made once."""
    name = f"test_{uuid.uuid4().hex}"
    with connect(services["SHUNIU_DATABASE_URL"]) as connection:
        create_database(connection, name)
        moved = {
            key: make_url(services[key]).set(database=name).render_as_string(hide_password=False)
            for key in ROLES.values()
        }
        log = _configured(services | moved)
        log.write(600)
        while log.sequence(100):
            pass
        log.write(3)
        yield log
        _disconnect(moved)
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _configured(environment: dict[str, str]) -> Log:
    log = Log(environment)
    configure(log.settings.log_origin, log.settings.sealing_key)
    return log


def _disconnect(environment: dict[str, str]) -> None:
    """Close what the product's own engines keep open, so that the database can be dropped."""
    for name in ROLES.values():
        engine(environment[name]).dispose()
