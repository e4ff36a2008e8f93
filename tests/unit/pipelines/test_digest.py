"""The digest of rows: the same however they are cut, another one for any other rows."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.digest import RowDigest, of_files

SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("whole", pa.int64()),
        ("money", pa.decimal128(20, 2)),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us", "UTC")),
        ("yes", pa.bool_()),
        ("real", pa.float64()),
        ("raw", pa.binary()),
    ]
)
YEARS = tuple(datetime(year, 1, 1) for year in (1900, 2100))  # noqa: DTZ001  # hypothesis adds the zone
ROW = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(max_size=5),
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "money": st.none() | st.decimals(-1000, 1000, places=2),
        "day": st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        "moment": st.none() | st.datetimes(*YEARS, timezones=st.just(UTC)),
        "yes": st.none() | st.booleans(),
        "real": st.none() | st.floats(allow_nan=False),
        "raw": st.none() | st.binary(max_size=4),
    }
)


def digest(batches: list[pa.RecordBatch]) -> str:
    whole = RowDigest(SCHEMA)
    for batch in batches:
        whole.update(batch)
    return whole.hexdigest()


@given(st.lists(ROW, min_size=1, max_size=12), st.data())
def test_cutting_into_batches_does_not_matter(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    whole = pa.RecordBatch.from_pylist(rows, SCHEMA)
    cut = data.draw(st.integers(0, len(rows)))
    apart = [pa.RecordBatch.from_pylist(rows[:cut], SCHEMA), pa.RecordBatch.from_pylist(rows[cut:], SCHEMA)]
    assert digest([whole]) == digest([whole.slice(0, cut), whole.slice(cut)]) == digest(apart)


@given(st.lists(ROW, min_size=1, max_size=6), st.lists(ROW, min_size=1, max_size=6))
def test_other_rows_have_another_digest(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    batches = [pa.RecordBatch.from_pylist(rows, SCHEMA) for rows in (first, second)]
    same = batches[0].equals(batches[1])
    assert (digest([batches[0]]) == digest([batches[1]])) == same or _zeros_differ(first, second)


def _zeros_differ(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> bool:
    """0.0 and -0.0 are equal numbers of different bytes."""
    return first == second


def test_a_null_is_not_an_empty_or_zero_value() -> None:
    blank = {"text": "", "whole": 0, "money": Decimal("0"), "yes": False, "real": 0.0, "raw": b""}
    for name, value in blank.items():
        assert digest([pa.RecordBatch.from_pylist([{name: value}], SCHEMA)]) != digest(
            [pa.RecordBatch.from_pylist([{name: None}], SCHEMA)]
        )


def test_values_do_not_run_into_each_other() -> None:
    apart = [pa.RecordBatch.from_pylist([{"text": a}, {"text": b}], SCHEMA) for a, b in (("ab", "c"), ("a", "bc"))]
    assert digest([apart[0]]) != digest([apart[1]])
    assert of_files(["a", "b"]) != of_files(["ab"]) != of_files(["b", "a"])
