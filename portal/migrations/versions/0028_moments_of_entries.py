"""Moments of entries lie between the years 1970 and 10000, so that searches can order any of them.

Where an entry that is there has another moment, it was falsified: verification names it, and the update goes on.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE evidence ADD CONSTRAINT ck_evidence_moment CHECK"
        " (recorded_at >= '1970-01-01 00:00+00' AND recorded_at < '10000-01-01 00:00+00') NOT VALID"
    )
    op.execute(
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM evidence WHERE recorded_at < '1970-01-01 00:00+00')
                AND NOT EXISTS (SELECT FROM evidence WHERE recorded_at >= '10000-01-01 00:00+00')
            THEN ALTER TABLE evidence VALIDATE CONSTRAINT ck_evidence_moment;
            END IF;
        END $$
        """
    )
