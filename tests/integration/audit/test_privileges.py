"""What the database itself refuses: the portal's role cannot change evidence, the sequencer's cannot invent it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from adapters.clock import system_now
from tests.integration.audit.conftest import Log

APP = [
    "UPDATE evidence SET outcome = 'REFUSED'",
    "DELETE FROM evidence",
    "TRUNCATE evidence CASCADE",
    "DROP TABLE evidence CASCADE",
    "ALTER TABLE evidence DISABLE TRIGGER ALL",
    "UPDATE evidence_text SET body = '\\x00'",
    "DELETE FROM evidence_text",
    "TRUNCATE evidence_text",
    "UPDATE evidence_months.stray SET body = '\\x00'",
    "INSERT INTO evidence_months.stray SELECT now(), id, 'x' FROM evidence LIMIT 1",
    "DELETE FROM {month}",
    "UPDATE {month} SET body = '\\x00'",
    "INSERT INTO {month} SELECT now(), id, 'x' FROM evidence LIMIT 1",
    "ALTER TABLE evidence_text DETACH PARTITION {month}",
    "DROP TABLE {month}",
    "CREATE TABLE evidence_months.own (LIKE evidence_text)",
    "UPDATE evidence_personal SET wrapped_key = NULL",
    "DELETE FROM evidence_personal",
    "UPDATE evidence_queue SET queued_at = now()",
    "DELETE FROM evidence_queue",
    "INSERT INTO log_leaf SELECT 99, id FROM evidence LIMIT 1",
    "UPDATE log_leaf SET leaf_index = leaf_index + 100",
    "DELETE FROM log_leaf",
    "INSERT INTO log_tile SELECT 1, 0, leaf_hash FROM evidence LIMIT 1",
    "UPDATE log_tile SET hashes = hashes",
    "DELETE FROM log_tile",
    "INSERT INTO log_checkpoint SELECT 99, root, note, signed_at FROM log_checkpoint",
    "UPDATE log_archive SET expired_at = now()",
    "DELETE FROM log_archive",
    "UPDATE log_checkpoint SET note = ''",
    "DELETE FROM log_checkpoint",
    "UPDATE log_store SET size = 0",
    "DELETE FROM log_kept_checkpoint",
    "INSERT INTO evidence_step SELECT 9, 9, now(), now(), '' FROM evidence LIMIT 1",
    "UPDATE evidence_step SET end_index = 0",
    "DELETE FROM evidence_step",
    "TRUNCATE evidence_step",
    "INSERT INTO evidence_posting VALUES (1, 0, 0, '')",
    "UPDATE evidence_posting SET entries = ''",
    "DELETE FROM evidence_posting",
    "TRUNCATE evidence_posting",
]
SEQUENCER = [
    "INSERT INTO evidence SELECT * FROM evidence LIMIT 1",
    "UPDATE evidence SET outcome = 'REFUSED'",
    "DELETE FROM evidence",
    "INSERT INTO evidence_text SELECT * FROM evidence_text LIMIT 1",
    "UPDATE evidence_text SET body = '\\x00'",
    "DELETE FROM evidence_text",
    "DELETE FROM {month}",
    "SELECT log_make_months(3)",
    "SELECT * FROM evidence_personal",
    "INSERT INTO evidence_queue SELECT id, recorded_at FROM evidence LIMIT 1",
    "UPDATE log_leaf SET leaf_index = leaf_index + 100",
    "DELETE FROM log_leaf",
    "DELETE FROM log_tile",
    "UPDATE log_checkpoint SET note = ''",
    "DELETE FROM log_checkpoint",
    "UPDATE evidence_step SET end_index = 0",
    "DELETE FROM evidence_step",
    "UPDATE evidence_posting SET entries = ''",
    "TRUNCATE evidence_posting",
    "SELECT * FROM account",
    "SELECT * FROM log_witness",
]


@pytest.mark.parametrize(
    ("role", "statement"), [("app", one) for one in APP] + [("sequencer", one) for one in SEQUENCER]
)
def test_the_database_refuses(long_log: Log, role: str, statement: str) -> None:
    with long_log.session(role) as session, pytest.raises(ProgrammingError, match="permission denied|must be owner"):
        session.execute(text(statement.format(month=f"evidence_months.m{system_now():%Y_%m}")))


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "1969-12-31 23:59:59+00", "10000-01-01 00:00+00"])
def test_no_entry_has_a_moment_that_searches_cannot_order(long_log: Log, moment: str) -> None:
    columns = "kind, outcome, subject, matter, agency_code, leaf_hash"
    statement = text(
        f"INSERT INTO evidence (id, recorded_at, {columns})"  # noqa: S608  # the test's own columns
        f" SELECT gen_random_uuid(), CAST(:moment AS timestamptz), {columns} FROM evidence LIMIT 1"
    )
    with long_log.session("app") as session, pytest.raises(IntegrityError, match="ck_evidence_moment"):
        session.execute(statement, {"moment": moment})
