"""What callers send: addresses to go back to, JSON, numbers; and what goes out in lists."""

import csv
import io
from contextlib import suppress
from datetime import UTC, datetime

import orjson
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from adapters.errors import ShuniuError
from portal.addresses import inside
from portal.exports import file_of
from portal.filters import day, moment, number, size
from portal.inputs import Malformed, parse_json, whole_number

TEXTS = st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(TEXTS)
def test_nobody_is_led_to_a_foreign_site(address: str) -> None:
    kept = inside(address)
    assert kept.startswith("/")
    assert not kept.startswith(("//", "/\\"))
    assert kept.isprintable()


@given(st.sampled_from(["//", "/\\", "https://", "javascript:", "\t//", "http:/"]), TEXTS)
def test_known_tricks_lead_nowhere(trick: str, rest: str) -> None:
    assert inside(trick + rest, "/otherwise") == "/otherwise"


@given(JSON)
def test_json_that_can_be_stored_comes_through(value: object) -> None:
    assert parse_json(orjson.dumps(value)) == value


@given(st.binary(max_size=200))
def test_bytes_are_json_or_a_clear_error(data: bytes) -> None:
    with suppress(Malformed):
        parse_json(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'["\\ud800"]',
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"NaN",
        b"[1e999999]",
        b"\xff\xfe",
        b"",
    ],
)
def test_what_no_database_takes_is_refused(data: bytes) -> None:
    with pytest.raises(ShuniuError) as caught:
        parse_json(data)
    assert caught.value.status == 400


@given(TEXTS)
def test_a_number_is_within_its_bounds_whatever_was_typed(text: str) -> None:
    assert 1 <= whole_number(text, 50, 1, 200) <= 200


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5))
def test_no_cell_of_a_list_is_a_formula(cells: list[str]) -> None:
    app = Flask(__name__)
    with app.test_request_context("/?export=csv"):
        answer, _count = file_of("列表", ["head"] * len(cells), [cells])
    text = answer.get_data().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in rows[1])


def test_a_list_as_a_workbook_keeps_numbers_and_chinese() -> None:
    app = Flask(__name__)
    with app.test_request_context("/?export=xlsx"):
        answer, count = file_of("目录", ["名称", "行数"], [["行政区划", 620_573], ["=1+1", None]])
    assert count == 2
    sheet = load_workbook(io.BytesIO(answer.get_data())).active
    assert sheet is not None
    assert [list(row) for row in sheet.values] == [["名称", "行数"], ["行政区划", 620_573], ["'=1+1", None]]
    assert "filename*=UTF-8''%E7%9B%AE%E5%BD%95.xlsx" in answer.headers["Content-Disposition"]


def test_values_read_as_officials_write_them() -> None:
    late = datetime(2026, 11, 21, 17, 30, tzinfo=UTC)
    assert (day(late), moment(late)) == ("2026-11-22", "2026-11-22 01:30")
    assert (number(1234567), number(None), size(0), size(1536)) == ("1,234,567", "", "0 B", "1.5 KiB")
    assert day(None) == ""
