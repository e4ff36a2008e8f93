"""A password that another person set is known as such until its owner changes it."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("account", sa.Column("given_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("owned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("was_reset", sa.Boolean(), nullable=False, server_default=sa.false()))
