"""Beside an hour's newest checkpoint the newest cosigned one is kept, and of both what they were to the byte."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
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
