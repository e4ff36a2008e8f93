"""Data subjects of many entries, by SQL alone: calls that name one each, and whole deliveries through extracts.

Most subjects have a few entries and one extract; four have very many of both.
"""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from audit.subjects.blind import BlindIndex, SubjectKind
from tests.prove.entries import BEGINS

MONTHS, LISTED, ORDINARY = 36, 3_000, 1_000
ENTRIES_OF_AN_EXTRACT = 33_000
"""So many entries of all there are for each whole delivery that lists its subjects."""
FREQUENT = tuple(f"91310000FREQUENT{number:02d}" for number in range(4))
RARE = tuple(f"31010119900101{number:04d}" for number in range(ORDINARY))
ABSENT = "310101190001010000"

_TEXTS = """
    INSERT INTO evidence_text (recorded_at, evidence_id, body)
    SELECT recorded_at, id, convert_to(
        '{"data":{"after":{"grant":"' || md5(grant_number)::uuid || '","mode":"INTERFACE","resource":"' || resource_code
        || '"},"personal":"away","note":"' || repeat(md5(id::text), 12) || '"},"subject":"' || subject || '"}', 'UTF8')
    FROM evidence
    WHERE kind = 'delivery.delivered' OR kind = 'release.completed' AND get_byte(leaf_hash, 0) < 124
"""
_CALLS = """
    INSERT INTO evidence_subject (token, recorded_at, evidence_id)
    SELECT CASE
            WHEN chance < 5 THEN (%(frequent)s::bytea[])[1 + other %% 4]
            WHEN chance < 7 THEN (%(rare)s::bytea[])[1 + other %% 1000]
            ELSE substr(sha256(('subject' || other %% 400000)::bytea), 1, 16)
        END, recorded_at, id
    FROM (
        SELECT recorded_at, id, get_byte(leaf_hash, 1) AS chance,
            ('x' || left(md5(id::text), 7))::bit(28)::int AS other
        FROM evidence WHERE kind = 'release.completed' AND get_byte(leaf_hash, 0) < 124
    ) AS call
"""
_DELIVERIES = """
    INSERT INTO evidence_subject (token, recorded_at, evidence_id)
    SELECT uuid_send(md5('extract' || ('x' || left(md5(id::text), 7))::bit(28)::int %% %(extracts)s)::uuid),
        recorded_at, id
    FROM evidence WHERE kind = 'delivery.delivered'
"""
_EXTRACTS = """
    INSERT INTO extract_subject (token, extract_id)
    SELECT substr(sha256(('subject' || (extract * 977 + place) %% 400000)::bytea), 1, 16),
        md5('extract' || extract)::uuid
    FROM generate_series(0, %(extracts)s - 1) AS extract, generate_series(0, %(listed)s - 1) AS place
    UNION ALL
    SELECT token, md5('extract' || extract)::uuid
    FROM generate_series(0, %(extracts)s - 1) AS extract, unnest(%(frequent)s::bytea[]) AS token
    UNION ALL
    SELECT token, md5('extract' || place %% %(extracts)s)::uuid
    FROM unnest(%(rare)s::bytea[]) WITH ORDINALITY AS given (token, place)
"""


@dataclass(frozen=True)
class Subject:
    """A number to look for, and of which kind it is."""

    kind: SubjectKind
    value: str


def fill_subjects(connection: Connection[TupleRow], sealing_key: str, entries: int) -> int:
    """Give the entries that are there their data subjects.

    Args:
        connection: the owner's, in autocommit.
        sealing_key: what tokens are made with.
        entries: how many there are.

    Returns:
        How many tokens entries have.
    """
    blind = BlindIndex(sealing_key)
    for number in range(MONTHS):
        first, following = (BEGINS.year * 12 + BEGINS.month - 1 + number + ahead for ahead in (0, 1))
        begins, ends = (f"{month // 12}-{month % 12 + 1:02}-01 00:00+00" for month in (first, following))
        name = Identifier("evidence_months", f"m{first // 12}_{first % 12 + 1:02}")
        statement = "CREATE TABLE IF NOT EXISTS {} PARTITION OF evidence_text FOR VALUES FROM ({}) TO ({})"
        connection.execute(SQL(statement).format(name, Literal(begins), Literal(ends)))
    values = {
        "frequent": [blind.token(SubjectKind.CREDIT_CODE, each) for each in FREQUENT],
        "rare": [blind.token(SubjectKind.RESIDENT_ID, each) for each in RARE],
        "extracts": max(1, entries // ENTRIES_OF_AN_EXTRACT),
        "listed": LISTED,
    }
    connection.execute("ALTER TABLE evidence_subject DROP CONSTRAINT pk_evidence_subject")
    for statement in (_TEXTS, _CALLS, _DELIVERIES, _EXTRACTS):
        connection.execute(statement, values)
    connection.execute(
        "ALTER TABLE evidence_subject ADD CONSTRAINT pk_evidence_subject PRIMARY KEY (token, recorded_at, evidence_id)"
    )
    connection.execute("VACUUM (ANALYZE) evidence_subject, extract_subject, evidence_text")
    row = connection.execute("SELECT count(*) FROM evidence_subject").fetchone()
    return int(row[0]) if row else 0


def subjects() -> list[Subject]:
    """Subjects to look for: those with very many entries, those with few, and nobody."""
    return [
        *(Subject(SubjectKind.CREDIT_CODE, each) for each in FREQUENT),
        *(Subject(SubjectKind.RESIDENT_ID, each) for each in RARE[:16]),
        Subject(SubjectKind.RESIDENT_ID, ABSENT),
    ]
