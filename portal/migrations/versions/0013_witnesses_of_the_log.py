"""What other agencies' witnesses agreed to, and the cosignatures that prove it."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_witness",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=64), nullable=False),
        sa.Column("problem_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("its_size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "problem IN ('', 'AWAY', 'UNKNOWN', 'REFUSED', 'BEHIND')", name=op.f("ck_log_witness_problem")
        ),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_log_witness")),
    )
    op.create_table(
        "log_cosignature",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", "key_hash", name=op.f("pk_log_cosignature")),
    )
    grant("log_witness", app="SELECT, INSERT, UPDATE")
    grant("log_cosignature", app="SELECT, INSERT")
