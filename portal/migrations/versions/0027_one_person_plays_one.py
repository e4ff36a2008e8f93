"""A password that another person set is known as such; no administrator is the auditor."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
_INDEX = "uq_role_assignment_separated"
_SEPARATED = "('SYSTEM_ADMINISTRATOR', 'SECURITY_ADMINISTRATOR', 'AUDIT_ADMINISTRATOR', 'AUDITOR')"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("account", sa.Column("given_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("owned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("was_reset", sa.Boolean(), nullable=False, server_default=sa.false()))
    both = sa.text(
        f"SELECT count(*) FROM (SELECT person_id FROM role_assignment WHERE held_to IS NULL AND role IN {_SEPARATED}"  # noqa: S608  # words of this file
        " GROUP BY person_id HAVING count(*) > 1) AS twofold"
    )
    if op.get_bind().scalar(both):
        raise RuntimeError("Somebody is an auditor and an administrator. End one of the two roles, then upgrade again.")
    op.drop_index(_INDEX, table_name="role_assignment")
    op.create_index(
        _INDEX,
        "role_assignment",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text(f"held_to IS NULL AND role IN {_SEPARATED}"),
    )
