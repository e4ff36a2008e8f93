"""Changes of what a published entry describes: when they happened, and by when the entry is updated."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from portal.migrations.privileges import grant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "catalogue_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule_set", sa.String(length=64), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_provisional", sa.Boolean(), nullable=False),
        sa.Column("calendar_versions", postgresql.JSONB(), nullable=False),
        sa.Column("updated_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_catalogue_change_recorded_by")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_catalogue_change_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_change")),
    )
    op.create_index(op.f("ix_catalogue_change_resource_id"), "catalogue_change", ["resource_id"])
    op.create_index(
        "ix_catalogue_change_open", "catalogue_change", ["due_on", "id"], postgresql_where=sa.text("closed_on IS NULL")
    )
    grant("catalogue_change")
