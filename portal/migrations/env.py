"""Alembic's entry: the connection of ``run.upgrade``, a lock so that two starts do not collide, short waits."""

from alembic import context
from sqlalchemy import text

from portal.migrations.tables import METADATA

LOCK = 7_346_2016

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    transaction_per_migration=True,
    compare_type=True,
    compare_server_default=True,
)
connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
connection.execute(text("SET lock_timeout = '5s'"))
connection.execute(text("SET statement_timeout = '300s'"))
connection.commit()
try:
    with context.begin_transaction():
        context.run_migrations()
finally:
    connection.rollback()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
    connection.commit()
