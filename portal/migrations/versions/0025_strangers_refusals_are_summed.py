"""Refusals of callers nobody knows are summed in the evidence log: rows say in which entry."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("unknown_refusal", sa.Column("sum_id", sa.Uuid(), nullable=True))
