"""An application may have several agreements and grants over time, one of them alive; who suspended, and days of the case clock."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(op.f("uq_agreement_application_id"), "agreement", type_="unique")
    op.create_index("ix_agreement_application_id", "agreement", ["application_id"])
    op.create_index("ix_agreement_state", "agreement", ["state", "created_at"])
    _one("uq_agreement_proposed", "agreement", "state = 'PROPOSED'")
    _one("uq_agreement_in_force", "agreement", "state = 'IN_FORCE'")

    op.drop_constraint(op.f("uq_access_grant_application_id"), "access_grant", type_="unique")
    op.create_index("ix_access_grant_application_id", "access_grant", ["application_id"])
    _one("uq_access_grant_live", "access_grant", "state <> 'ENDED'")
    _add("access_grant", sa.Column("suspended_by", sa.String(length=64), nullable=False), "NOBODY")
    op.execute("UPDATE access_grant SET suspended_by = 'PROVIDER' WHERE state = 'SUSPENDED'")
    op.create_check_constraint(
        op.f("ck_access_grant_suspended_by"),
        "access_grant",
        "suspended_by IN ('NOBODY', 'PROVIDER', 'SECURITY', 'HUB')",
    )
    op.create_check_constraint(
        op.f("ck_access_grant_suspended_by_somebody"),
        "access_grant",
        "(state = 'SUSPENDED') = (suspended_by <> 'NOBODY')",
    )

    _add("application", sa.Column("state_reason", sa.Text(), nullable=False), "")
    _add_day("answer", "answered_on", "answered_at")
    _add_day("conclusion", "concluded_on", "concluded_at")
    _add("conclusion", sa.Column("document", sa.String(length=300), nullable=False), "")
    _add("dispute", sa.Column("answer_round", sa.Integer(), nullable=False), "1")
    op.create_unique_constraint(
        op.f("uq_dispute_application_id_answer_round"), "dispute", ["application_id", "answer_round"]
    )
    op.create_index("ix_dispute_state", "dispute", ["state", "raised_at"])
    op.add_column("statement", sa.Column("asked_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_statement_asked_id"), "statement", "agency", ["asked_id"], ["id"])
    op.create_index(op.f("ix_statement_asked_id"), "statement", ["asked_id"])


def _one(name: str, table: str, condition: str) -> None:
    op.create_index(name, table, ["application_id"], unique=True, postgresql_where=sa.text(condition))


def _add(table: str, column: sa.Column[str] | sa.Column[int], filling: str) -> None:
    """Add a column, fill the rows that stand, and leave no default behind."""
    column.server_default = sa.DefaultClause(filling)
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def _add_day(table: str, column: str, moment: str) -> None:
    """Add a day of the city's calendar, taken from the moment for rows that stand."""
    op.add_column(table, sa.Column(column, sa.Date(), nullable=True))
    op.execute(f"UPDATE {table} SET {column} = ({moment} AT TIME ZONE 'Asia/Shanghai')::date")  # noqa: S608  # names of this file alone
    op.alter_column(table, column, nullable=False)
