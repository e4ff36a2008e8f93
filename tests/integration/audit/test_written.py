"""What a session remembers to have written: committed entries alone, and only where it was asked to remember."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from audit.actor import HUB
from audit.append import append
from audit.written import collect, committed
from tests.integration.audit.conftest import Log


def test_only_what_was_committed_is_remembered(log: Log) -> None:
    with log.session("app") as session:
        append(session, "test.written", "test/0", HUB)
        collect(session)
        append(session, "test.written", "test/1", HUB)
        session.rollback()
        kept = append(session, "test.written", "test/2", HUB)
        assert committed(session) == ()
        session.commit()
        assert committed(session) == (kept.leaf_hash,)
        append(session, "test.written", "test/3", HUB)
        session.rollback()
        session.commit()
        assert committed(session) == (kept.leaf_hash,)


def test_an_entry_inside_a_savepoint_that_is_undone_is_not_remembered(log: Log) -> None:
    with log.session("app") as session:
        collect(session)
        with session.begin_nested():
            kept = append(session, "test.written", "test/0", HUB)
        assert committed(session) == ()
        session.commit()
        savepoint = session.begin_nested()
        append(session, "test.written", "test/1", HUB)
        savepoint.rollback()
        session.commit()
        assert committed(session) == (kept.leaf_hash,)


def test_an_undone_savepoint_takes_only_what_was_written_since_it_was_set(log: Log) -> None:
    with log.session("app") as session:
        collect(session)
        first = append(session, "test.written", "test/0", HUB)
        outer = session.begin_nested()
        append(session, "test.written", "test/1", HUB)
        with session.begin_nested():
            append(session, "test.written", "test/2", HUB)
        outer.rollback()
        second = append(session, "test.written", "test/3", HUB)
        savepoint = session.begin_nested()
        append(session, "test.written", "test/4", HUB)
        with pytest.raises(SQLAlchemyError):
            session.execute(text("SELECT 1 / 0"))
        savepoint.rollback()
        session.commit()
        assert committed(session) == (first.leaf_hash, second.leaf_hash)


def test_a_session_that_was_not_asked_remembers_nothing(log: Log) -> None:
    with log.session("app") as session:
        append(session, "test.written", "test/0", HUB)
        session.commit()
        assert committed(session) == ()
