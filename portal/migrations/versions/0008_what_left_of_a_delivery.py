"""Which bytes of a delivery have left: it is delivered when they cover the file."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("delivery", sa.Column("sent", postgresql.INT8MULTIRANGE(), nullable=False, server_default="{}"))
