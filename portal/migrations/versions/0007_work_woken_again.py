"""Which run of Airflow a piece of work is in: one that ended without doing the work is followed by the next."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("work", sa.Column("run", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("work", "run", server_default=None)
