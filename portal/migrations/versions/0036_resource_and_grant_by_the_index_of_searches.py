"""Entries are found by resource and grant in the searches' index alone; writing an entry keeps no other for them."""

from alembic import op

revision = "0036"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for name in ("grant_number", "resource_code"):
        op.drop_index(f"ix_evidence_{name}", table_name="evidence")
