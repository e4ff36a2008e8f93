"""A list of data subjects is read whole and in order, to be compared with the digest that its entry states."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_extract_subject_extract_id_token", "extract_subject", ["extract_id", "token"])
