"""Serving tables in a real database."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from adapters.errors import InvalidInput, NotFound
from adapters.serving import Serving, plain_url, table_name

SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ('odd "name"; --', pa.string()),
        ("number", pa.int32()),
        ("capital", pa.decimal128(20, 2)),
        ("founded", pa.date32()),
        ("changed", pa.timestamp("us", "UTC")),
        ("active", pa.bool_()),
        ("share", pa.float32()),
    ]
)
ALL = list(SCHEMA.names)


def row(i: int) -> dict[str, Any]:
    return {
        "code": f"C%{i:03}",
        'odd "name"; --': None if i % 2 else f"名{i}",
        "number": i,
        "capital": Decimal(f"{i}.25"),
        "founded": date(2001, 1, 1 + i % 28),
        "changed": datetime(2026, 1, 1, tzinfo=UTC),
        "active": i % 2 == 0,
        "share": 0.5,
    }


@pytest.fixture
def serving(serving_url: str) -> Serving:
    return Serving(serving_url)


@pytest.fixture
def table(serving: Serving) -> Iterator[str]:
    name = table_name(uuid.uuid4())
    batches = [pa.RecordBatch.from_pylist([row(i) for i in range(n, n + 50)], SCHEMA) for n in (0, 50)]
    assert serving.load(name, SCHEMA, batches, ["code"]) == 100
    yield name
    serving.drop(name)


def test_a_row_is_found_by_its_key_with_python_values(serving: Serving, table: str) -> None:
    assert serving.look_up(table, ALL, {"code": "C%007"}, {}, 5) == [row(7)]
    assert serving.look_up(table, ["number"], {"number": "8", "code": "C%008"}, {}, 5) == [{"number": 8}]
    assert serving.look_up(table, ["number"], {"code": "nothing"}, {}, 5) == []


def test_the_row_condition_holds_beside_the_key(serving: Serving, table: str) -> None:
    even = {"field": "active", "operator": "EQUALS", "values": ["true"]}
    assert serving.look_up(table, ["number"], {"code": "C%007"}, even, 5) == []
    assert serving.look_up(table, ["number"], {"code": "C%008"}, even, 5) == [{"number": 8}]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"field": "code", "operator": "PREFIX", "values": ["C%01", "C%099"]}, [*range(10, 20), 99]),
        ({"field": "code", "operator": "PREFIX", "values": ["C_01"]}, []),
        ({"field": "capital", "operator": "IN", "values": ["3.25", "4.250", "5"]}, [3, 4]),
        ({"field": "founded", "operator": "IN", "values": ["2001-01-28"]}, [27, 55, 83]),
    ],
)
def test_pages_follow_load_order_under_a_condition(
    serving: Serving, table: str, condition: dict[str, Any], expected: list[int]
) -> None:
    seen: list[int] = []
    after: int | None = None
    while page := serving.browse(table, ["number"], condition, 3, after):
        seen += [content["number"] for _, content in page]
        after = page[-1][0]
    assert seen == expected


@pytest.mark.parametrize("value", ["one", "9" * 40, "1\x00", "\ud800"])
def test_a_value_that_the_column_cannot_be_is_bad_input(serving: Serving, table: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        serving.look_up(table, ["number"], {"number": value}, {}, 1)


def test_a_text_that_looks_like_sql_is_a_value(serving: Serving, table: str) -> None:
    assert serving.look_up(table, ["number"], {"code": "' OR true --"}, {}, 5) == []


def test_a_table_that_stands_is_left_as_it_is(serving: Serving, table: str) -> None:
    again = [pa.RecordBatch.from_pylist([row(1)], SCHEMA)]
    assert serving.load(table, SCHEMA, again, ["code"]) == 100


def test_a_load_that_breaks_off_leaves_no_table(serving: Serving) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([row(1)], SCHEMA)
        raise ValueError("the source went away")

    name = table_name(uuid.uuid4())
    with pytest.raises(Exception, match="went away|serving"):
        serving.load(name, SCHEMA, broken(), ["code"])
    assert name not in serving.tables()


def test_a_dropped_table_is_not_found(serving: Serving, table: str) -> None:
    serving.drop(table)
    with pytest.raises(NotFound):
        serving.browse(table, ["code"], {}, 1, None)


def test_a_cut_connection_is_replaced_without_a_word(serving: Serving, table: str, serving_url: str) -> None:
    assert serving.look_up(table, ["number"], {"code": "C%001"}, {}, 1)
    with psycopg.connect(plain_url(serving_url), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
    assert serving.look_up(table, ["number"], {"code": "C%001"}, {}, 1) == [{"number": 1}]
