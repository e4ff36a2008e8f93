"""The market regulator's database, as the story meets it."""

from adapters.services.secrets import SecretFolder
from portal.demo.made_data import Register
from portal.demo.market_database import MarketDatabase
from portal.demo.stage import Stage


def register(stage: Stage) -> Register:
    """The rows that the market regulator has."""
    return Register(rows=stage.rows)


def market(stage: Stage) -> MarketDatabase:
    """The database, made and filled at the first call."""
    secrets = SecretFolder(stage.settings.home / "secrets")
    return MarketDatabase.ensure(stage.settings.database_url, secrets, register(stage))
