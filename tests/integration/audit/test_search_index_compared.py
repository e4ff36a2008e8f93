"""Verification finds whatever is wrong with the searches' index, and nothing where it is whole."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.services.databases import connect
from audit.reconcile import Discrepancy
from audit.search_index.build import index_next
from audit.search_index.compared import index_has_entries
from audit.search_index.terms import STEP
from tests.integration.audit.conftest import Log
from tests.prove.entries import fill

ONE = "(SELECT term FROM evidence_posting ORDER BY term LIMIT 1)"
WRONG = {
    "a row is gone": (f"DELETE FROM evidence_posting WHERE term = {ONE}", "evidence_posting/0"),
    "a byte is another": (
        "UPDATE evidence_posting SET entries = set_byte(entries, 7, get_byte(entries, 7) # 1)"
        f" WHERE term = {ONE} AND part = 1",
        "evidence_posting/0",
    ),
    "a row more": ("INSERT INTO evidence_posting VALUES (1, 7, 0, 'x')", "evidence_posting"),
    "the first step is gone": ("DELETE FROM evidence_step WHERE step = 0", "evidence_step/0"),
    "the last step is gone": ("DELETE FROM evidence_step WHERE step = 1", "evidence_posting/0"),
    "all steps are gone": ("DELETE FROM evidence_step", "evidence_posting"),
    "it ends further on": ("UPDATE evidence_step SET end_index = end_index + 5 WHERE step = 1", "evidence_step/0"),
    "its newest is older": (
        "UPDATE evidence_step SET newest = newest - interval '1 day' WHERE step = 0",
        "evidence_step/0",
    ),
    "a place is another": (
        "UPDATE evidence_step SET places = set_byte(places, 50, 0) WHERE step = 1",
        "evidence_step/0",
    ),
    "an entry says another": (
        "UPDATE evidence SET agency_code = 'ANOTHER'"
        " WHERE id = (SELECT evidence_id FROM log_leaf WHERE leaf_index = 9)",
        "evidence_posting/0",
    ),
}


def found(session: Session) -> list[Discrepancy]:
    return list(index_has_entries(session))


def test_what_is_wrong_is_found(log: Log) -> None:
    with connect(log.environment["SHUNIU_DATABASE_URL"]) as connection:
        fill(connection, 2 * STEP + 20)
    with log.session("app") as session:
        assert found(session) == []
    with log.session("sequencer") as session:
        assert [index_next(session), index_next(session), index_next(session)] == [True, True, False]
        session.commit()
    with log.session("app") as session:
        assert found(session) == []
    with log.session("app") as session, log.session("sequencer") as sequencer:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        assert found(session) == []
        assert not index_next(sequencer)
    for name, (statement, subject) in WRONG.items():
        with log.session("owner") as session:
            session.execute(text(statement))
            assert found(session)[0].subject == subject, name
            assert "TRUNCATE evidence_step, evidence_posting" in found(session)[0].sentence
    with log.session("owner") as session:
        session.execute(text("TRUNCATE evidence_step, evidence_posting"))
        session.commit()
    with log.session("sequencer") as session:
        assert index_next(session)
        assert found(session) == []
