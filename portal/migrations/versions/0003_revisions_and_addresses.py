"""Reviews name the revision they read; resource codes are counted; systems have addresses; conditions may be long."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from portal.migrations.privileges import grant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FILLED = (
    ("resource_version", sa.Column("revision", sa.Integer(), nullable=False, server_default="1")),
    ("resource_version", sa.Column("compilers", postgresql.JSONB(), nullable=False, server_default="[]")),
    ("resource_version", sa.Column("search_text", sa.Text(), nullable=False, server_default="")),
    ("review", sa.Column("revision", sa.Integer(), nullable=False, server_default="1")),
    ("secrecy_review", sa.Column("revision", sa.Integer(), nullable=False, server_default="1")),
)


def upgrade() -> None:
    """Apply."""
    for table, column in _FILLED:
        name = column.name
        op.add_column(table, column)
        op.alter_column(table, name, server_default=None)
    op.alter_column("data_item", "share_condition", type_=sa.Text(), existing_nullable=False)
    op.create_table(
        "resource_counter",
        sa.Column("classification", sa.String(length=64), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("classification", name=op.f("pk_resource_counter")),
    )
    op.create_table(
        "system_address",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("system_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(length=300), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name=op.f("ck_system_address_port")),
        sa.ForeignKeyConstraint(["system_id"], ["system.id"], name=op.f("fk_system_address_system_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system_address")),
    )
    op.create_index(
        "uq_system_address_current",
        "system_address",
        ["system_id", "host", "port"],
        unique=True,
        postgresql_where="removed_at IS NULL",
    )
    grant("resource_counter")
    grant("system_address")
