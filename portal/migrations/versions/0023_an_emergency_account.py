"""The emergency account: sealed, and open for an hour when the glass is broken."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("account", sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("open_until", sa.DateTime(timezone=True), nullable=True))
