"""The sequencer finds the oldest waiting evidence by an index; hashes are stored without a try to compress them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_evidence_queue_queued_at_evidence_id", "evidence_queue", ["queued_at", "evidence_id"])
    op.execute("ALTER TABLE log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL")
