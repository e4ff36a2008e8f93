"""The demo's agency database: made once, in a database and with a login of its own."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from adapters.services.secrets import SecretFolder
from portal.demo.made_data import Register
from portal.demo.market_database import MarketDatabase

SMALL = Register(rows=2_000)


@pytest.fixture
def market(services: dict[str, str]) -> MarketDatabase:
    """A small register beside the shared hub database."""
    secrets = SecretFolder(Path(services["SHUNIU_HOME"]) / "secrets")
    return MarketDatabase.ensure(services["SHUNIU_DATABASE_URL"], secrets, SMALL)


def test_a_second_run_keeps_what_stands(market: MarketDatabase, services: dict[str, str]) -> None:
    with psycopg.connect(market.plain_url) as connection:
        connection.execute("DELETE FROM register.legal_entity WHERE name IS NULL")
    assert market.count() == SMALL.rows - 1
    secrets = SecretFolder(Path(services["SHUNIU_HOME"]) / "secrets")
    again = MarketDatabase.ensure(services["SHUNIU_DATABASE_URL"], secrets, SMALL)
    assert again.count() == SMALL.rows - 1
    changed = MarketDatabase.ensure(services["SHUNIU_DATABASE_URL"], secrets, Register(rows=2_000, seed=2))
    assert changed.count() == SMALL.rows


def test_the_agencys_login_sees_nothing_of_the_hub(market: MarketDatabase, services: dict[str, str]) -> None:
    hub = make_url(services["SHUNIU_DATABASE_URL"]).database
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(make_url(market.plain_url).set(database=hub).render_as_string(hide_password=False))


def test_a_row_is_found_by_its_code(market: MarketDatabase) -> None:
    first = next(iter(SMALL))
    assert market.row(str(first[0]))["name"] == first[1]
    with pytest.raises(KeyError):
        market.row("nothing")
