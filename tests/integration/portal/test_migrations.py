"""Migrations: from empty, from the previous head, twice at once; models and schema agree."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.sql import SQL, Identifier
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.services.databases import connect
from audit.append import configure
from audit.months import months
from portal.migrations.run import configuration, upgrade
from portal.migrations.tables import METADATA
from tests.integration.audit.conftest import Log
from tests.integration.conftest import drop_database

ROOT = Path(__file__).parents[3]


@pytest.fixture
def empty(owner_url: str) -> Iterator[str]:
    """Owner's address of an empty database whose two roles exist."""
    name = f"migrated_{uuid.uuid4().hex[:12]}"
    roles = [f"{name}_app", f"{name}_sequencer"]
    with connect(owner_url) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        for role in roles:
            connection.execute(SQL("CREATE ROLE {}").format(Identifier(role)))
        url = make_url(owner_url).set(database=name)
        yield url.render_as_string(hide_password=False)
        drop_database(connection, name)
        for role in roles:
            connection.execute(SQL("DROP ROLE {}").format(Identifier(role)))


def differences(url: str) -> list[object]:
    """What differs between the models and a database."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


def revision(url: str) -> str | None:
    """The database's revision."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_an_empty_database_gets_what_the_models_say_and_a_second_run_changes_nothing(empty: str) -> None:
    upgrade(empty)
    assert differences(empty) == []
    upgrade(empty)
    assert revision(empty) == ScriptDirectory.from_config(configuration()).get_current_head()


def test_the_previous_head_is_brought_up_with_its_rows(empty: str) -> None:
    script = ScriptDirectory.from_config(configuration())
    head = script.get_revision("head")
    assert isinstance(head.down_revision, str)
    upgrade(empty, head.down_revision)
    with create_engine(empty, poolclass=NullPool).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO agency (id, credit_code, short_code, name, name_en, kind, level, office, valid_from, "
                "created_at) VALUES (gen_random_uuid(), '11310000000000000A', 'MZJ', '民政局', '', "
                "'ADMINISTRATIVE_ORGAN', 'CITY', 'MEMBER', '2026-01-01', now())"
            )
        )
    upgrade(empty)
    assert differences(empty) == []
    with create_engine(empty, poolclass=NullPool).connect() as connection:
        assert connection.scalar(text("SELECT name FROM agency")) == "民政局"


def test_a_log_with_entries_is_whole_after_its_texts_were_moved_to_their_months(
    empty: str, fresh: dict[str, str]
) -> None:
    log = Log(fresh)
    configure(log.settings.log_origin, log.settings.sealing_key)
    log.write(300)
    log.sequence()
    log.write(2)
    upgrade(empty, "0016")
    as_then = {
        "evidence": "SELECT evidence.*, body FROM evidence JOIN evidence_text ON evidence_id = id",
        "evidence_personal": "SELECT evidence_personal.*, ciphertext FROM evidence_personal"
        " JOIN evidence_text USING (evidence_id)",
        **{table: f"SELECT * FROM {table}" for table in ("evidence_queue", "log_leaf", "log_tile", "log_checkpoint")},
    }
    with log.session("owner") as now, create_engine(empty, poolclass=NullPool).begin() as then:
        for table, query in as_then.items():
            rows = [dict(row) for row in now.execute(text(query)).mappings()]
            names = ", ".join(rows[0])
            then.execute(text(f"INSERT INTO {table} ({names}) VALUES (:{names.replace(', ', ', :')})"), rows)
        then.execute(
            text("UPDATE evidence SET recorded_at = recorded_at - interval '2 months' WHERE subject = 'test/1'")
        )
    upgrade(empty)
    with Session(create_engine(empty, poolclass=NullPool)) as session:
        report = log.verify(session)
        assert report.counts == {"column_differs": 2, "queued_misdated": 1}, (
            "what was wrong before stays to be seen, and nothing else is"
        )
        assert (report.entries, report.waiting, report.opened) == (300, 2, 151)
        assert months(session).strays == 0


def test_two_starts_at_once_migrate_once(empty: str) -> None:
    program = "import sys; from portal.migrations.run import upgrade; upgrade(sys.argv[1])"
    starts = [subprocess.Popen([sys.executable, "-c", program, empty], cwd=ROOT) for _ in range(2)]
    assert [start.wait(120) for start in starts] == [0, 0]
    assert differences(empty) == []


def test_versions_are_numbered_without_gap_in_one_line() -> None:
    script = ScriptDirectory.from_config(configuration())
    numbers = sorted(one.revision for one in script.walk_revisions())
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
    assert len(script.get_heads()) == 1
