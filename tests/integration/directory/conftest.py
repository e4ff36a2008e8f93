"""What the tests of this room share: an evidence writer, settings, and reading the evidence that a service wrote."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from adapters.settings import Settings
from audit.append import configure
from audit.models import Evidence
from tests import factories


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


@pytest.fixture
def opened(fresh: dict[str, str]) -> Iterator[Callable[[], Session]]:
    """Makes further sessions on the test's database, for what several do at once."""
    engine = create_engine(fresh["SHUNIU_APP_DATABASE_URL"], pool_size=10)
    sessions: list[Session] = []

    def open_() -> Session:
        sessions.append(Session(engine))
        return sessions[-1]

    yield open_
    for each in sessions:
        each.close()
    engine.dispose()
