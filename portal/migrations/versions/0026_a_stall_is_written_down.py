"""What keeps the log from being signed is written down, and since when the hub has stopped delivering for it."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_stall",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("problem_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_stall_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_stall")),
    )
    op.execute("INSERT INTO log_stall (id, problem) VALUES (1, '')")
    grant("log_stall", app="SELECT, UPDATE (stopped_at)", sequencer="SELECT, UPDATE (problem, problem_since)")
