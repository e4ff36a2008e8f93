"""What is archived of the evidence log; the owner of the database alone writes it down."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "log_archive",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("end_index", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("version", sa.String(length=300), nullable=False),
        sa.Column("header_bytes", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", moment, nullable=False),
        sa.Column("retain_until", moment, nullable=False),
        sa.Column("expired_at", moment, nullable=True),
        sa.Column("removed_at", moment, nullable=True),
        sa.CheckConstraint(
            "number >= 0 AND first_index >= 0 AND end_index > first_index", name=op.f("ck_log_archive_range")
        ),
        sa.CheckConstraint("removed_at IS NULL OR expired_at IS NOT NULL", name=op.f("ck_log_archive_expired_first")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log_archive")),
        sa.UniqueConstraint("first_index", name=op.f("uq_log_archive_first_index")),
        sa.UniqueConstraint("end_index", name=op.f("uq_log_archive_end_index")),
        sa.UniqueConstraint("digest", name=op.f("uq_log_archive_digest")),
    )
    grant("log_archive", app="SELECT")
