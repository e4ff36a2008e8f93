"""Searches have an index of their own; the sequencer fills it, about a minute for each million of entries."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "evidence_step",
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end_index", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("newest", sa.DateTime(timezone=True), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(places) = 24 * 4096", name=op.f("ck_evidence_step_places_size")),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_evidence_step")),
    )
    op.create_table(
        "evidence_posting",
        sa.Column("term", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("term", "run", "part", name=op.f("pk_evidence_posting")),
    )
    op.create_index("ix_evidence_posting_parts", "evidence_posting", ["run"], postgresql_where=sa.text("part < 64"))
    # A slice of a long value is read by itself, which a compressed one does not allow.
    op.execute("ALTER TABLE evidence_step ALTER COLUMN places SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE evidence_posting ALTER COLUMN entries SET STORAGE EXTERNAL")
    grant("evidence_step", app="SELECT", sequencer="SELECT, INSERT")
    grant("evidence_posting", app="SELECT", sequencer="SELECT, INSERT, DELETE")
