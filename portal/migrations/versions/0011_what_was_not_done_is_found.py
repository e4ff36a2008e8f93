"""Refusals and failures, few among the entries of evidence, are found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; entries are not written meanwhile, which takes about a second for each million of them."""
    op.create_index(
        "ix_evidence_not_done",
        "evidence",
        ["outcome", "recorded_at", "id"],
        postgresql_where=sa.text("outcome <> 'DONE'"),
    )
