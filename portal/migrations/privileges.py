"""What the roles ``<database>_app`` and ``<database>_sequencer`` may do with each table.

Everything that a migration creates names its privileges through these functions; a table without them is the
owner's alone.
"""

from alembic import op
from sqlalchemy import text

from portal.migrations.tables import METADATA

_EVIDENCE = {
    "evidence": ("SELECT, INSERT", "SELECT"),
    "evidence_personal": ("SELECT, INSERT", ""),
    "evidence_queue": ("SELECT, INSERT", "SELECT, UPDATE, DELETE"),
    "log_leaf": ("SELECT", "SELECT, INSERT"),
    "log_tile": ("SELECT", "SELECT, INSERT, UPDATE"),
    "log_checkpoint": ("SELECT", "SELECT, INSERT"),
}


def grant(table: str, app: str = "SELECT, INSERT, UPDATE, DELETE", sequencer: str = "") -> None:
    """Give the two roles their privileges on a table; an empty string gives none."""
    quote = op.get_bind().dialect.identifier_preparer.quote_identifier
    grant_on(f"TABLE {quote(table)}", app, sequencer)


def grant_on(what: str, app: str = "", sequencer: str = "") -> None:
    """Give the two roles their privileges on what SQL calls so, e.g. ``FUNCTION log_make_months(integer)``."""
    connection = op.get_bind()
    database = connection.scalar(text("SELECT current_database()"))
    quote = connection.dialect.identifier_preparer.quote_identifier
    for role, privileges in ((f"{database}_app", app), (f"{database}_sequencer", sequencer)):
        if privileges:
            op.execute(f"GRANT {privileges} ON {what} TO {quote(role)}")


def grant_first_tables() -> None:
    """Privileges of the first migration: the app may do everything but change or delete evidence."""
    present = set(op.get_bind().dialect.get_table_names(op.get_bind()))
    for table in METADATA.sorted_tables:
        if table.name in present:
            app, sequencer = _EVIDENCE.get(table.name, ("SELECT, INSERT, UPDATE, DELETE", ""))
            grant(table.name, app, sequencer)
    grant("alembic_version", app="SELECT")
