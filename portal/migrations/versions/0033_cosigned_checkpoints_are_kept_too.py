"""Beside an hour's newest checkpoint the newest cosigned one is kept, and of both what they were to the byte.

Since when an hour is recorded to have passed without a kept one is written down, so that it is recorded once.
"""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TABLE, KEY = "log_kept_checkpoint", "pk_log_kept_checkpoint"


def upgrade() -> None:
    """Apply."""
    op.add_column(TABLE, sa.Column("cosigned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column(TABLE, "cosigned", server_default=None)
    op.add_column(TABLE, sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(op.f("ck_log_kept_checkpoint_digest"), TABLE, "length(digest) = 32")
    op.drop_constraint(op.f(KEY), TABLE, type_="primary")
    op.create_primary_key(op.f(KEY), TABLE, ["hour", "cosigned"])
    op.add_column("log_stall", sa.Column("unkept_at", sa.DateTime(timezone=True), nullable=True))
    grant("log_stall", app="UPDATE (unkept_at)")
