"""Since when too few witnesses agree to the log is written down, so that it is recorded once."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("log_stall", sa.Column("lacking_at", sa.DateTime(timezone=True), nullable=True))
    grant("log_stall", app="UPDATE (lacking_at)")
