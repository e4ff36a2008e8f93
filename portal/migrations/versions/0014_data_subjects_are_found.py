"""Data subjects are found through a blind index: in calls at once, in whole deliveries through their extract."""

import sqlalchemy as sa
from alembic import op

from portal.migrations.privileges import grant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "evidence_subject",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("octet_length(token) = 16", name=op.f("ck_evidence_subject_token_size")),
        sa.PrimaryKeyConstraint("token", "recorded_at", "evidence_id", name=op.f("pk_evidence_subject")),
    )
    op.create_table(
        "subject_extract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_version_id", sa.Uuid(), nullable=False),
        sa.Column("condition", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("subjects", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_extract")),
        sa.UniqueConstraint(
            "dataset_version_id", "condition", "rows", name=op.f("uq_subject_extract_dataset_version_id_condition_rows")
        ),
    )
    op.create_table(
        "extract_subject",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("extract_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("octet_length(token) = 16", name=op.f("ck_extract_subject_token_size")),
        sa.PrimaryKeyConstraint("token", "extract_id", name=op.f("pk_extract_subject")),
    )
    op.add_column("release", sa.Column("extract_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_release_extract_id"), "release", "subject_extract", ["extract_id"], ["id"])
    for table in ("evidence_subject", "subject_extract", "extract_subject"):
        grant(table, app="SELECT, INSERT")
