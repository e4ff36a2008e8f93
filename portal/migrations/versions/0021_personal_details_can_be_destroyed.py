"""Personal details beside an entry can be destroyed: on request of one person, confirmed by another, with a trace."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from portal.migrations.privileges import grant, grant_on

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_DESTROY = """
CREATE FUNCTION destroy_personal_details(entry uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM evidence
        WHERE subject = 'evidence/' || entry::text AND kind = 'personal.destroyed' AND outcome = 'DONE'
            AND evidence.xmin = pg_current_xact_id()::xid
    ) THEN
        RAISE insufficient_privilege USING MESSAGE =
            'no entry personal.destroyed about ' || entry::text || ' was written in this transaction';
    END IF;
    UPDATE evidence_personal SET wrapped_key = NULL WHERE evidence_id = entry AND wrapped_key IS NOT NULL;
    RETURN FOUND;
END
$$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "personal_destruction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("basis", postgresql.JSONB(), nullable=False),
        sa.Column("early_basis", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ASKED', 'CONFIRMED', 'DECLINED')", name=op.f("ck_personal_destruction_state")),
        sa.CheckConstraint("(entry_id IS NULL) <> (token IS NULL)", name=op.f("ck_personal_destruction_one_target")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> asked_by", name=op.f("ck_personal_destruction_two_people")
        ),
        sa.CheckConstraint(
            "(state = 'ASKED') = (decided_by IS NULL)", name=op.f("ck_personal_destruction_decided_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_destruction")),
    )
    op.create_index("ix_personal_destruction_asked_at", "personal_destruction", ["asked_at", "id"])
    grant("personal_destruction", app="SELECT, INSERT, UPDATE")
    op.execute(_DESTROY)
    op.execute("REVOKE ALL ON FUNCTION destroy_personal_details(uuid) FROM PUBLIC")
    grant_on("FUNCTION destroy_personal_details(uuid)", app="EXECUTE")
