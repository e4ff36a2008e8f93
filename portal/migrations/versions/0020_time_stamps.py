"""Time-stamps of an authority (RFC 3161) on the hourly checkpoints."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_stamp",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_log_stamp")),
    )
    grant("log_stamp", app="SELECT", sequencer="SELECT, INSERT, UPDATE")
