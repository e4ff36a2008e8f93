"""How statements of the busiest paths carry their places."""

import pytest
from sqlalchemy import bindparam, column, func, select

from adapters.prepared import Prepared, all_of

QUERY = Prepared(select(column("a")).where(column("b") == bindparam("b"), func.mod(column("a"), 7) == 1).limit(2))


def test_places_are_numbered_and_literal_per_cents_stay() -> None:
    made = Prepared("SELECT %(b)s, '100%%', %(a)s, '%%(a)s', %(b)s")
    assert made._numbered == (b"SELECT $1, '100%', $2, '%(a)s', $1", ("b", "a"))


def test_a_condition_brings_the_querys_own_values_along() -> None:
    condition = QUERY.inside("EXISTS ({})", b="x")
    assert condition.sql.startswith("EXISTS (SELECT a")
    assert sorted(map(str, condition.values.values())) == ["1", "2", "7", "x"]


def test_conditions_hold_together() -> None:
    made = all_of(Prepared("SELECT %(a)s").inside("EXISTS ({})", a=1), Prepared("SELECT %(b)s").inside("({})", b=2))
    assert made.sql == "EXISTS (SELECT %(a)s) AND (SELECT %(b)s)"
    assert made.values == {"a": 1, "b": 2}


def test_one_place_cannot_stand_for_the_values_of_two_queries() -> None:
    with pytest.raises(ValueError, match="param_1"):
        all_of(QUERY.inside("EXISTS ({})", b="x"), Prepared(select(column("c")).limit(1)).inside("EXISTS ({})"))
