"""Entries of evidence are found by the resource and the grant that their text names."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_FILL = """
    UPDATE evidence SET grant_number = stated.grant_number, resource_code = stated.resource_code
    FROM (
        SELECT id,
            CASE WHEN data ->> 'authority' LIKE 'grant/%' THEN substr(data ->> 'authority', 7, 64) ELSE '' END
                AS grant_number,
            left(COALESCE(
                CASE WHEN jsonb_typeof(data #> '{after,resource}') = 'string' THEN data #>> '{after,resource}' END,
                CASE WHEN jsonb_typeof(data #> '{before,resource}') = 'string' THEN data #>> '{before,resource}' END,
                ''
            ), 64) AS resource_code
        FROM (SELECT id, convert_from(body, 'UTF8')::jsonb -> 'data' AS data FROM evidence) AS entry
    ) AS stated
    WHERE evidence.id = stated.id AND (stated.grant_number <> '' OR stated.resource_code <> '')
"""


def upgrade() -> None:
    """Apply; entries are not written meanwhile, which takes about half a minute for each million of them."""
    for name in ("grant_number", "resource_code"):
        op.add_column("evidence", sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
    op.execute(_FILL)
    for name in ("grant_number", "resource_code"):
        where = sa.text(f"{name} <> ''")
        op.create_index(f"ix_evidence_{name}", "evidence", [name, "recorded_at"], postgresql_where=where)
    steps = sa.text("matter <> '' AND resource_code = ''")
    op.create_index("ix_evidence_step", "evidence", ["matter", "recorded_at"], postgresql_where=steps)
    op.create_index("ix_application_resource_version_id", "application", ["resource_version_id"])
