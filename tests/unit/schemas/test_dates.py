"""Dates as registers write them most: many at once give what one at a time gives."""

from datetime import date

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from schemas.conversions import convert

WRITTEN = st.dates().map(str) | st.from_regex(r"[0-9]{4}[-/.][0-9]{2}-[0-9]{2}", fullmatch=True)


def one(text: str) -> date | None:
    parts = text.replace("/", "-").split("-")
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2])) if len(parts) == 3 else None
    except ValueError:
        return None


@given(st.lists(WRITTEN, max_size=40))
def test_a_column_of_dates_is_read_as_each_of_them(written: list[str]) -> None:
    column = pa.array(["2000-02-29", *written], pa.string())
    assert convert(column, pa.date32()).to_pylist() == [date(2000, 2, 29), *map(one, written)]
    assert convert(column.slice(1), pa.date32()).to_pylist() == list(map(one, written))
