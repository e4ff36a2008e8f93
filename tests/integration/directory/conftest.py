"""What the tests of this room share: an evidence writer, settings, and reading the evidence that a service wrote."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from adapters.services.databases import connect
from adapters.settings import Settings
from audit.append import configure
from audit.models import Evidence
from tests import factories
from tests.integration.conftest import create_database

ROOM = "test_directory"


@pytest.fixture(scope="session")
def room(services: dict[str, str]) -> Iterator[Engine]:
    """One migrated database for the tests of this room, as the application's role; nothing is ever committed to it."""
    with connect(services["SHUNIU_DATABASE_URL"]) as connection:
        create_database(connection, ROOM)
    engine = create_engine(make_url(services["SHUNIU_APP_DATABASE_URL"]).set(database=ROOM))
    yield engine
    engine.dispose()


@pytest.fixture
def session(room: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints: whatever a test does is undone after it."""
    with room.connect() as connection:
        undone = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as opened:
            yield opened
        undone.rollback()


@pytest.fixture(autouse=True)
def evidence_writer() -> None:
    """Every service writes evidence."""
    configure("shuniu.test/log", factories.SEALING_KEY)


@pytest.fixture
def rules(tmp_path: Path) -> Settings:
    """Settings that lock out after three failures."""
    return Settings(
        home=tmp_path,
        sealing_key=factories.SEALING_KEY,
        lockout_failures=3,
        lockout_seconds=600,
        case_clock_turnable=True,
    )


@pytest.fixture
def kinds(session: Session) -> Callable[[str], list[str]]:
    """Kinds of the evidence about a subject, in order; a refusal ends with an exclamation mark."""

    def read(subject: str) -> list[str]:
        session.flush()
        entries = session.scalars(select(Evidence).where(Evidence.subject == subject).order_by(Evidence.recorded_at))
        return [entry.kind + ("!" if entry.outcome == "REFUSED" else "") for entry in entries]

    return read
