"""What the sequencer found when the database turned out to be older than the log that others have seen."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_restoration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("own_size", sa.BigInteger(), nullable=False),
        sa.Column("seen_size", sa.BigInteger(), nullable=False),
        sa.Column("seen_by", sa.String(length=300), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("seen_size >= own_size", name=op.f("ck_log_restoration_ahead")),
        sa.CheckConstraint("(done_at IS NULL) = (evidence_id IS NULL)", name=op.f("ck_log_restoration_declared")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_log_restoration_evidence_id_evidence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_restoration")),
    )
    alone = sa.text("(done_at IS NULL)")
    op.create_index("uq_log_restoration_open", "log_restoration", [alone], unique=True, postgresql_where=alone)
    grant("log_restoration", app="SELECT", sequencer="SELECT, INSERT, UPDATE")
