"""Bring a database to the newest schema; the same function serves ``shuniu up``, own databases and the tests."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine


def configuration() -> Config:
    """Alembic's configuration, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(files("portal.migrations")))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Run the missing migrations as the database's owner.

    Args:
        owner_url: SQLAlchemy URL of the owner role; roles ``<database>_app`` and ``<database>_sequencer`` exist.
        revision: where to stop.
    """
    engine = create_engine(owner_url)
    try:
        with engine.connect() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()
