"""Many entries of evidence at once, made by SQL alone: three years of a city, as unevenly spread as real use is.

There are no texts and nothing is signed: this is for measuring searches, which read columns and indexes.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from audit.search import About

BEGINS, LASTS = datetime(2023, 11, 1, tzinfo=UTC), timedelta(days=3 * 365)
AGENCIES, PEOPLE, GRANTS, RESOURCES, CASES = 60, 30, 40, 300, 20_000
TABLES = ("evidence", "log_leaf")

_KINDS = """
    CASE
        WHEN chance < 0.62 THEN 'release.completed'
        WHEN chance < 0.67 THEN 'release.authorised'
        WHEN chance < 0.69 THEN 'release.refused'
        WHEN chance < 0.77 THEN 'client.token_issued'
        WHEN chance < 0.85 THEN 'account.signed_in'
        WHEN chance < 0.90 THEN 'account.signed_out'
        WHEN chance < 0.91 THEN 'account.sign_in_refused'
        WHEN chance < 0.95 THEN 'delivery.' || (ARRAY['requested', 'prepared', 'delivered', 'acknowledged'])
            [1 + floor(other * 4)]
        WHEN chance < 0.98 THEN 'application.' || (ARRAY['drafted', 'amended', 'form_generated', 'handed_over',
            'received', 'answered', 'deadline_recomputed', 'withdrawn'])[1 + floor(8 * other ^ 2)]
        WHEN chance < 0.985 THEN 'resource.' || (ARRAY['drafted', 'edited', 'submitted', 'approved', 'published',
            'returned'])[1 + floor(6 * other)]
        WHEN chance < 0.99 THEN 'dataset.loaded'
        WHEN chance < 0.994 THEN 'agreement.' || (ARRAY['proposed', 'signed', 'in_force', 'terminated'])
            [1 + floor(4 * other)]
        WHEN chance < 0.997 THEN 'grant.' || (ARRAY['opened', 'suspended', 'resumed', 'ended'])[1 + floor(4 * other)]
        WHEN chance < 0.9995 THEN 'dispute.' || (ARRAY['raised', 'stated', 'concluded'])[1 + floor(3 * other)]
        WHEN chance < 0.99999 THEN 'role.assigned'
        ELSE 'case_clock.turned'
    END
"""

_ENTRIES = f"""
    INSERT INTO evidence (id, recorded_at, kind, outcome, subject, matter, agency_code, person_id, grant_number,
        resource_code, leaf_hash)
    SELECT md5('entry' || i)::uuid, recorded_at, kind,
        CASE
            WHEN kind LIKE '%%refused' THEN 'REFUSED' WHEN other > 0.9995 THEN 'FAILED'
            WHEN noun = 'application' AND other > 0.95 THEN 'REFUSED' ELSE 'DONE'
        END,
        noun || '/' || CASE
            WHEN noun = 'grant' OR kind = 'release.refused' THEN md5('grant' || given)
            WHEN noun = 'application' THEN md5('case' || CASE WHEN applied THEN given ELSE known_case END)
            ELSE md5(noun || i)
        END::uuid,
        CASE
            WHEN noun IN ('release', 'delivery', 'grant', 'agreement') AND given %% 5 > 0
                THEN 'application/' || md5('case' || given)::uuid
            WHEN noun IN ('application', 'dispute')
                THEN 'application/' || md5('case' || CASE WHEN applied THEN given ELSE known_case END)::uuid
            ELSE ''
        END,
        'AGENCY' || lpad(agency::text, 12, '0'),
        CASE WHEN noun NOT IN ('release', 'client', 'dataset') OR other > 0.9
            THEN md5('person' || agency * {PEOPLE} + who)::uuid END,
        CASE WHEN noun IN ('release', 'delivery') AND kind <> 'release.refused' THEN 'GRANT-' || given ELSE '' END,
        CASE
            WHEN noun IN ('release', 'delivery') THEN 'RESOURCE-' || (given * 7919) %% {RESOURCES}
            WHEN noun IN ('resource', 'dataset') THEN 'RESOURCE-' || known_case %% {RESOURCES} ELSE ''
        END,
        sha256(i::text::bytea)
    FROM (
        SELECT *, split_part(kind, '.', 1) AS noun, agency * {GRANTS} + one AS given, other < 0.3 AS applied FROM (
            SELECT i, other, {_KINDS} AS kind,
                %(begins)s::timestamptz + %(step)s::interval * (i + random()) AS recorded_at,
                floor({AGENCIES} * random() ^ 3)::int AS agency, floor({PEOPLE} * random() ^ 2)::int AS who,
                floor({GRANTS} * random() ^ 4)::int AS one, floor({CASES} * random())::int AS known_case
            FROM (
                SELECT i, random() AS chance, random() AS other FROM generate_series(%(first)s::int, %(last)s::int) AS i
            ) AS thrown
        ) AS drawn
    ) AS made
"""  # noqa: S608  # the module's own figures


@dataclass(frozen=True)
class Known:
    """Values that the entries have."""

    agencies: tuple[str, ...]
    people: tuple[uuid.UUID, ...]
    grants: tuple[About, ...]
    resources: tuple[About, ...]
    wide: About
    matters: tuple[str, ...]
    subjects: tuple[str, ...]


def fill(connection: Connection[TupleRow], entries: int, batch: int = 500_000) -> None:
    """Make so many entries, numbered, in an empty database; indexes are made at the end, as a restore does.

    Args:
        connection: the owner's, in autocommit.
    """
    connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET statement_timeout = 0")
    connection.execute("SELECT setseed(0.5)")
    made = _without_indexes(connection)
    for first in range(0, entries, batch):
        last = min(first + batch, entries) - 1
        given = {"begins": BEGINS, "step": LASTS / entries, "first": first, "last": last}
        connection.execute(_ENTRIES, given)
    connection.execute(
        "INSERT INTO log_leaf SELECT i, md5('entry' || i)::uuid FROM generate_series(0, %s::int) AS i", [entries - 1]
    )
    for definition in made:
        connection.execute(definition.encode())
    connection.execute("VACUUM (ANALYZE) evidence")
    connection.execute("ANALYZE log_leaf")


def known() -> Known:
    """Values to look for, from the most frequent to the rarest."""
    return Known(
        agencies=tuple(f"AGENCY{agency:012d}" for agency in (0, 1, 5, 20, 59)),
        people=tuple(_uuid(f"person{number}") for number in (0, 1, 40, 700, AGENCIES * PEOPLE - 1)),
        grants=tuple(grant_about(number) for number in (0, 40, 201, 1000, 2399)),
        resources=tuple(resource_about(number) for number in (0, 199, 19, 119, 299)),
        wide=_wide(2_000),
        matters=tuple(f"application/{_uuid(f'case{number}')}" for number in (1, 41, 201, 1001, 19_999)),
        subjects=(f"grant/{_uuid('grant0')}", f"application/{_uuid('case1')}", f"delivery/{_uuid('delivery12')}"),
    )


def _wide(names: int) -> About:
    """A resource with as many grants and cases as the search takes of one, most of them with few entries."""
    grants = tuple(f"grant/{_uuid(f'grant{number}')}" for number in range(min(names, AGENCIES * GRANTS)))
    return About(
        ("RESOURCE-7",), grants, tuple(f"application/{_uuid(f'case{case}')}" for case in range(0, 10 * names, 10))
    )


def grant_about(number: int) -> About:
    """How entries speak of a grant."""
    matters = (f"application/{_uuid(f'case{number}')}",) if number % 5 else ()
    return About((f"GRANT-{number}",), (f"grant/{_uuid(f'grant{number}')}",), matters)


def resource_about(number: int) -> About:
    """How entries speak of a resource."""
    grants = [given for given in range(AGENCIES * GRANTS) if given * 7919 % RESOURCES == number]
    cases = [*grants, *range(AGENCIES * GRANTS + number, CASES, RESOURCES)]
    subjects = [f"grant/{_uuid(f'grant{given}')}" for given in grants]
    return About(
        (f"RESOURCE-{number}", str(_uuid(f"resource{number}"))),
        (f"resource/{_uuid(f'resource{number}')}", *subjects),
        tuple(f"application/{_uuid(f'case{case}')}" for case in cases),
    )


def _uuid(text: str) -> uuid.UUID:
    return uuid.UUID(bytes=hashlib.md5(text.encode(), usedforsecurity=False).digest())


def _without_indexes(connection: Connection[TupleRow]) -> list[str]:
    """Drop what slows the filling down; the statements that bring it back."""
    back = []
    for table in TABLES:
        keys = connection.execute(
            "SELECT conname, pg_get_constraintdef(oid), contype FROM pg_constraint WHERE conrelid = %s::regclass"
            " AND contype IN ('f', 'c')",
            [table],
        ).fetchall()
        for name, definition, _kind in keys:
            connection.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(Identifier(table), Identifier(name)))
            valid_or_not = definition.removesuffix(" NOT VALID")
            back.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {valid_or_not} NOT VALID")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint)",
            [table],
        ).fetchall()
        for name, definition in indexes:
            connection.execute(SQL("DROP INDEX {}").format(Identifier(name)))
            back.append(definition)
    return back
