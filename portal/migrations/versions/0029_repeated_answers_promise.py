"""An answer that is kept for repetition keeps the leaf hashes of its request's entries; those kept before have none."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE idempotency_key ADD COLUMN leaves bytea NOT NULL DEFAULT ''::bytea,"
        " ADD CONSTRAINT ck_idempotency_key_leaves_size CHECK (octet_length(leaves) % 32 = 0)"
    )
    op.execute("ALTER TABLE idempotency_key ALTER COLUMN leaves DROP DEFAULT")
