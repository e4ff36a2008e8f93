"""The texts of entries lie in partitions by month, which can be put into archives one day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from portal.migrations.privileges import grant, grant_on

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MAKE_MONTHS = """
CREATE FUNCTION public.log_make_months(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    name text;
    made integer := 0;
BEGIN
    FOR month IN
        SELECT date_trunc('month', now()) + make_interval(months => number)
        FROM generate_series(0, least(ahead, 24)) AS number
        UNION SELECT date_trunc('month', recorded_at) FROM evidence_months.stray ORDER BY 1
    LOOP
        name := to_char(month, '"m"YYYY_MM');
        CONTINUE WHEN to_regclass(format('evidence_months.%I', name)) IS NOT NULL;
        LOCK TABLE evidence_months.stray IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE evidence_months.%I (LIKE public.evidence_text INCLUDING ALL)', name);
        EXECUTE format(
            'WITH strays AS (DELETE FROM evidence_months.stray WHERE recorded_at >= %L AND recorded_at < %L RETURNING *)'
            ' INSERT INTO evidence_months.%I SELECT * FROM strays', month, month + interval '1 month', name);
        EXECUTE format(
            'ALTER TABLE public.evidence_text ATTACH PARTITION evidence_months.%I FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""
"""Makes the partitions of this month and those ahead, and of months whose texts had to go among the strays."""

MONTHS_OF_ENTRIES = """
DO $$
DECLARE
    month timestamp;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', recorded_at AT TIME ZONE 'UTC') FROM public.evidence LOOP
        EXECUTE format(
            'CREATE TABLE evidence_months.%I PARTITION OF public.evidence_text FOR VALUES FROM (%L) TO (%L)',
            to_char(month, '"m"YYYY_MM'), month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    END LOOP;
END $$
"""


def upgrade() -> None:
    """Apply; no evidence is written meanwhile, which takes about a minute for each million of entries.

    It waits ten seconds for those who write now, and gives up if they do not end. Room for the texts a second time is
    needed on the disk; ``VACUUM FULL evidence, evidence_personal`` gives it back afterwards.
    """
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("LOCK TABLE evidence, evidence_personal IN ACCESS EXCLUSIVE MODE")
    op.create_table(
        "evidence_text",
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("ciphertext", postgresql.BYTEA(), nullable=True),
        sa.CheckConstraint("octet_length(body) BETWEEN 1 AND 65535", name=op.f("ck_evidence_text_body_size")),
        sa.PrimaryKeyConstraint("recorded_at", "evidence_id", name=op.f("pk_evidence_text")),
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.execute("CREATE SCHEMA evidence_months")
    op.execute("CREATE TABLE evidence_months.stray PARTITION OF evidence_text DEFAULT")
    op.execute(MAKE_MONTHS)
    op.execute(MONTHS_OF_ENTRIES)
    op.execute(
        "INSERT INTO evidence_text SELECT recorded_at, id, body, ciphertext FROM evidence"
        " LEFT JOIN evidence_personal ON evidence_id = id"
    )
    op.execute("SELECT log_make_months(3)")
    op.execute("ALTER TABLE evidence DROP COLUMN body")
    op.execute("ALTER TABLE evidence_personal DROP COLUMN ciphertext")
    op.execute("REVOKE ALL ON FUNCTION log_make_months(integer) FROM PUBLIC")
    grant("evidence_text", app="SELECT, INSERT", sequencer="SELECT")
    grant_on("SCHEMA evidence_months", app="USAGE")
    grant_on("TABLE evidence_months.stray", app="SELECT")
    grant_on("FUNCTION log_make_months(integer)", app="EXECUTE")
