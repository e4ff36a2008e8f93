"""Settings, starts and schema of a hub are compared with what its evidence log says of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from portal.migrations.privileges import grant

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "site_settings",
        sa.Column("component", sa.String(64), nullable=False),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("component", name="pk_site_settings"),
    )
    grant("site_settings", app="SELECT, INSERT, UPDATE")
