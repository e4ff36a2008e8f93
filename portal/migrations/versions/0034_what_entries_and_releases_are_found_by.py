"""Entries are found by resource and grant in the searches' index alone, and fetches by their delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_FILL = """
    UPDATE release SET delivery_id = delivery.id
    FROM evidence
    JOIN evidence_text ON evidence_text.recorded_at = evidence.recorded_at AND evidence_text.evidence_id = evidence.id,
    delivery
    WHERE evidence.id = release.evidence_id AND release.mode IN ('FILES', 'OFFLINE')
    AND delivery.grant_id = release.grant_id
    AND position(convert_to('"delivery":"' || delivery.id || '"', 'UTF8') IN evidence_text.body) > 0
"""
"""Bytes are compared, since a falsified text may be no JSON; in a whole one no value can hold these quotes."""


def upgrade() -> None:
    """Apply; writing an entry keeps no index of the table for its resource and grant. A fetch whose text lies in an
    archive already stays without its delivery."""
    for name in ("grant_number", "resource_code"):
        op.drop_index(f"ix_evidence_{name}", table_name="evidence")
    op.add_column("release", sa.Column("delivery_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_release_delivery_id"), "release", "delivery", ["delivery_id"], ["id"])
    op.execute(_FILL)
    fetches = sa.text("delivery_id IS NOT NULL")
    op.create_index("ix_release_delivery_id", "release", ["delivery_id", "authorised_at"], postgresql_where=fetches)
