"""How far the log is published into the object store, and the checkpoints that are kept there."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_store",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lock", sa.String(length=64), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("problem_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_store_one_row")),
        sa.CheckConstraint("lock IN ('', 'LOCKED', 'NOT_LOCKED')", name=op.f("ck_log_store_lock")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_store")),
    )
    op.create_table(
        "log_kept_checkpoint",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=300), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retain_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_log_kept_checkpoint")),
    )
    grant("log_store", app="SELECT", sequencer="SELECT, INSERT, UPDATE")
    grant("log_kept_checkpoint", app="SELECT", sequencer="SELECT, INSERT")
