"""Unusual use: what was found, the site's rules, and the history that days are compared with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from portal.migrations.privileges import grant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_RULES = "rule IN ('volume', 'hour', 'keys', 'refused', 'matter', 'unused', 'places')"


def upgrade() -> None:
    """Apply."""
    _anomaly()
    _rules()
    _memory()
    op.drop_index(op.f("ix_release_grant_id"), table_name="release")
    op.create_index("ix_release_grant_id", "release", ["grant_id", "authorised_at"])


def _anomaly() -> None:
    op.create_table(
        "anomaly",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("finding", sa.String(length=64), nullable=False),
        sa.Column("measured", JSONB(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("agency_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("entries", JSONB(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(_RULES, name=op.f("ck_anomaly_rule")),
        sa.CheckConstraint("state IN ('OPEN', 'DISMISSED', 'ACTED')", name=op.f("ck_anomaly_state")),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("ck_anomaly_score")),
        sa.CheckConstraint("(state = 'OPEN') = (decided_at IS NULL)", name=op.f("ck_anomaly_decided")),
        sa.ForeignKeyConstraint(["grant_id"], ["access_grant.id"], name=op.f("fk_anomaly_grant_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_anomaly_agency_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_anomaly_person_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_anomaly_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomaly")),
        sa.UniqueConstraint("key", name=op.f("uq_anomaly_key")),
    )
    op.create_index("ix_anomaly_state_score", "anomaly", ["state", "score", "found_at", "id"])
    op.create_index("ix_anomaly_found_at", "anomaly", ["found_at", "id"])
    op.create_index(op.f("ix_anomaly_grant_id"), "anomaly", ["grant_id"])
    op.create_index(op.f("ix_anomaly_agency_id"), "anomaly", ["agency_id"])
    grant("anomaly", app="SELECT, INSERT, UPDATE")


def _rules() -> None:
    op.create_table(
        "anomaly_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_RULES, name=op.f("ck_anomaly_rule_rule")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_anomaly_rule_revision")),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_anomaly_rule_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomaly_rule")),
        sa.UniqueConstraint("rule", "revision", name=op.f("uq_anomaly_rule_rule_revision")),
    )
    grant("anomaly_rule", app="SELECT, INSERT")


def _memory() -> None:
    op.create_table(
        "anomaly_looked_through",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_anomaly_looked_through_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomaly_looked_through")),
    )
    op.execute("INSERT INTO anomaly_looked_through (id, size) VALUES (1, 0)")
    op.create_table(
        "anomaly_memory",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_anomaly_memory")),
    )
    op.create_table(
        "grant_use",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_grant_use_agency_id")),
        sa.ForeignKeyConstraint(["grant_id"], ["access_grant.id"], name=op.f("fk_grant_use_grant_id")),
        sa.PrimaryKeyConstraint("grant_id", "agency_id", "hour", name=op.f("pk_grant_use")),
    )
    grant("anomaly_looked_through", app="SELECT, UPDATE")
    grant("anomaly_memory", app="SELECT, INSERT, UPDATE")
    grant("grant_use", app="SELECT, INSERT, UPDATE")
