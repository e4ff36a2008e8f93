"""Engines of the hub's own database."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.database import engine


def test_an_error_does_not_repeat_the_values_of_its_statement(app_url: str) -> None:
    with engine(app_url).connect() as connection, pytest.raises(DBAPIError) as found:
        connection.execute(text("SELECT * FROM no_such_table WHERE id = :id"), {"id": "110101199003078515"})
    assert "no_such_table" in str(found.value)
    assert "110101199003078515" not in str(found.value)
