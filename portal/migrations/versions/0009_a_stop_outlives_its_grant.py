"""A grant that security stopped keeps that when it ends, so that the next one in its place is born stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAME = "ck_access_grant_suspended_by_somebody"


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(op.f(NAME), "access_grant", type_="check")
    op.create_check_constraint(
        op.f(NAME),
        "access_grant",
        sa.text("state = 'ENDED' OR (state = 'SUSPENDED') = (suspended_by <> 'NOBODY')"),
    )
