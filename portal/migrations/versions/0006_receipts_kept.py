"""Keep the receipt that a receiver signed, as it was signed; a need keeps the rule set of the day it began."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("acknowledgement", sa.Column("receipt", postgresql.JSONB(), nullable=True))
    op.add_column("need", sa.Column("rule_set", sa.String(length=64), nullable=False, server_default="shanghai-2016"))
    op.alter_column("need", "rule_set", server_default=None)
