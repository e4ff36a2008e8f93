"""Cursors: whatever a caller sends as one is either a place in the list or a clear refusal."""

import base64
import json
import uuid
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidInput
from adapters.paging import decode_cursor, encode_cursor
from adapters.texts import line, prose

KINDS = [datetime, uuid.UUID, str, int, date]


@given(
    st.tuples(
        st.datetimes(timezones=st.just(UTC)),
        st.uuids(),
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
        st.integers(-(2**62), 2**62),
        st.dates(),
    )
)
def test_a_cursor_comes_back_as_it_went(values: tuple[object, ...]) -> None:
    assert tuple(decode_cursor(encode_cursor(values), KINDS)) == values


@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, KINDS)


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-01-01T00:00:00", str(uuid.uuid4()), "a", "1", "2026-01-01"],
        ["2026-01-01T00:00:00+00:00", "x", "a", "1", "2026-01-01"],
        ["2026-01-01T00:00:00+00:00", str(uuid.uuid4()), "a\x00", "1", "2026-01-01"],
        ["2026-01-01T00:00:00+00:00", str(uuid.uuid4()), "\ud800", "1", "2026-01-01"],
        ["2026-01-01T00:00:00+00:00", str(uuid.uuid4()), "a", "9" * 30, "2026-01-01"],
        ["2026-01-01T00:00:00+00:00", str(uuid.uuid4()), "a", "1", "2026-13-01"],
        ["2026-01-01T00:00:00+00:00"],
        {"a": 1},
        [1, 2, 3, 4, 5],
    ],
)
def test_values_of_the_wrong_kind_are_refused(texts: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(texts).encode()).decode()
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, KINDS)


@pytest.mark.parametrize("value", [None, "", "  ", "a\x00b", "a\nb", "\ud800", "x" * 301, 5, ["a"]])
def test_lines_that_cannot_be_kept(value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        line(value, "/name")
    assert refused.value.problems[0]["pointer"] == "/name"


def test_texts_are_trimmed_and_prose_keeps_its_lines() -> None:
    assert line("  市民政局 ", "/name") == "市民政局"
    assert line(None, "/name", optional=True) == ""
    assert prose("一\r\n二\t三\n", "/text") == "一\n二\t三"
