from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.arrow_types import arrow_schema, arrow_type
from schemas.conversions import convert
from schemas.identifiers import credit_code, resident_id
from schemas.row_checks import MissingColumns, check_batch
from schemas.words import DataType

CODE = credit_code.make("9", "1", "310101", "MA1FL000")
PERSON = "11010519491231002X"


def item(field_name: str, data_type: str = "CHARACTER", **more: Any) -> dict[str, Any]:
    return {"field_name": field_name, "data_type": data_type, "nullable": True} | more


def read(data_type: str, *texts: str | None, **more: Any) -> list[Any]:
    values: list[Any] = convert(pa.array(texts, pa.string()), arrow_type(item("x", data_type, **more))).to_pylist()
    return values


def moment(year: int, month: int, day: int, *clock: int) -> datetime:
    hour, minute, second, microsecond = (*clock, 0, 0, 0, 0)[:4]
    return datetime(year, month, day, hour, minute, second, microsecond, UTC)


def test_numbers_and_money_are_exact() -> None:
    assert read("INTEGER", "12", "-3", "1.0", "1e3", "9" * 19, "１") == [12, -3, None, None, None, None]
    assert read("MONEY", "12.5", "-0.05", "12.500000", "12.505", "1,200") == [
        Decimal("12.50"),
        Decimal("-0.05"),
        Decimal("12.50"),
        None,
        None,
    ]
    assert read("NUMERIC", "123.4", "0012.30", "1234.5", length=4, scale=1) == [Decimal("123.4"), Decimal("12.3"), None]
    assert read("NUMERIC", "12", "12.0", "12.5", length=4) == [Decimal(12), Decimal(12), None]
    assert read("NUMERIC", "0.25", "1.25", length=2, scale=2) == [Decimal("0.25"), None]
    assert read("DOUBLE", "1.5e3", "1e999", "nan", "-2") == [1500.0, None, None, -2.0]


def test_days_in_the_forms_people_write() -> None:
    day = date(2024, 2, 29)
    forms = ["2024-02-29", "20240229", "2024/2/29", "2024年2月29日", "2024-02-29 00:00:00", " 2024-02-29 "]
    assert read("DATE", *forms) == [day] * 6
    wrong = [
        "2023-02-29",
        "2024-13-01",
        "2024-02-29 10:00:00",
        "29.02.2024",
        "0000-01-01",
        "2024-02-29T00:00:00Z",
        "٢٠٢٤",
    ]
    assert read("DATE", *wrong) == [None] * 7


def test_moments_without_a_zone_are_shanghai_s() -> None:
    texts = ["2024-02-28 10:11:12", "2024-02-28T10:11:12.5", "2024/02/28 10:11", "2024-02-28T02:11:12Z", "soon"]
    assert read("DATETIME", *texts) == [
        moment(2024, 2, 28, 2, 11, 12),
        moment(2024, 2, 28, 2, 11, 12, 500000),
        moment(2024, 2, 28, 2, 11),
        moment(2024, 2, 28, 2, 11, 12),
        None,
    ]
    assert read("DATETIME", "1988-07-01 10:00:00") == [moment(1988, 7, 1, 1)]


def test_the_hour_that_summer_time_repeated_is_the_first_of_both() -> None:
    assert read("DATETIME", "1986-09-14 00:30:00") == [moment(1986, 9, 13, 15, 30)]
    assert read("DATETIME", "1986-09-13 23:30:00", "1986-09-14 01:30:00")[1] == moment(1986, 9, 13, 16, 30)


@pytest.mark.parametrize("text", ["0000-01-01", "0000-12-31 10:00:00", "0001-01-01 00:00:00", "10000-01-01"])
def test_days_that_no_calendar_of_ours_has_cannot_be_read(text: str) -> None:
    assert read("DATETIME", text) == [None]
    assert read("DATETIME", text, "odd") == [None, None]
    assert read("DATE", text[:10]) == ([date(1, 1, 1)] if text.startswith("0001") else [None])


def test_yes_and_no() -> None:
    assert read("LOGICAL", "是", "否", "True", "0", "N", "maybe", None) == [True, False, True, False, False, None, None]


def test_columns_that_are_typed_already() -> None:
    wall_clock = pa.array(["2024-01-01 09:00:00"]).cast(pa.timestamp("ns"))
    typed = convert(wall_clock, arrow_type(item("x", "DATETIME")))
    assert typed.to_pylist() == [moment(2024, 1, 1, 1)]
    late = pa.array([moment(2024, 1, 1, 20)], pa.timestamp("us", "UTC"))
    assert convert(late, pa.date32()).to_pylist() == [None]
    midnight = pa.array([moment(2024, 1, 1, 16)], pa.timestamp("us", "UTC"))
    assert convert(midnight, pa.date32()).to_pylist() == [date(2024, 1, 2)]
    assert convert(pa.array([0, 20240229]), arrow_type(item("x", "DATETIME"))).to_pylist() == [
        None,
        moment(2024, 2, 28, 16),
    ]
    assert convert(pa.array([5, None], pa.int32()), arrow_type(item("x", "MONEY"))).to_pylist() == [Decimal(5), None]
    assert convert(pa.array([1.5, 2.0]), pa.int64()).to_pylist() == [None, 2]
    assert convert(pa.array([1, 0, 7]), pa.bool_()).to_pylist() == [True, False, None]
    assert convert(pa.array([[1]]), pa.int64()).to_pylist() == [None]
    assert convert(pa.array(["a", "b"]).dictionary_encode(), pa.string()).to_pylist() == ["a", "b"]
    assert convert(pa.nulls(2), pa.int64()).to_pylist() == [None, None]


ITEMS = [
    item("code", length=18, nullable=False, identifier_kind="CREDIT_CODE"),
    item("holder", length=18, identifier_kind="RESIDENT_ID", on_mismatch="FLAG"),
    item("division", length=6, identifier_kind="DIVISION_CODE"),
    item("kind", length=2, code_list="kinds"),
    item("name", length=4, nullable=False),
    item("capital", "MONEY"),
    item("founded", "DATE"),
    item("changed", "DATETIME"),
    item("staff", "INTEGER"),
    item("active", "LOGICAL"),
    item("note", "MEMO"),
]
LISTS = {"kinds": {"1", "2"}}
ROW: dict[str, str | None] = {
    "code": CODE,
    "holder": PERSON,
    "division": "310101",
    "kind": "1",
    "name": "某公司",
    "capital": "1.50",
    "founded": "2020-01-31",
    "changed": "2024-05-01 10:00:00",
    "staff": "12",
    "active": "是",
    "note": "",
}


def batch(*rows: dict[str, str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        list(rows), schema=pa.schema([(entry["field_name"], pa.string()) for entry in ITEMS])
    )


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, None),
        ({"code": None}, ["code:REQUIRED"]),
        ({"code": " "}, ["code:REQUIRED"]),
        ({"code": CODE[:-1] + "#"}, ["code:CHARACTER"]),
        ({"code": CODE + "1"}, ["code:TOO_LONG", "code:LENGTH"]),
        ({"division": "310003"}, ["division:SHAPE"]),
        ({"kind": "3"}, ["kind:CODE"]),
        ({"kind": None}, None),
        ({"kind": ""}, None),
        ({"name": "某某某公司"}, ["name:TOO_LONG"]),
        ({"name": "某\x00"}, ["name:NUL"]),
        ({"capital": "much"}, ["capital:TYPE"]),
        ({"capital": ""}, None),
        ({"founded": "2021-02-29", "staff": "1.5"}, ["founded:TYPE", "staff:TYPE"]),
        ({"active": "maybe"}, ["active:TYPE"]),
    ],
)
def test_reasons_are_precise(change: dict[str, str | None], reasons: list[str] | None) -> None:
    checked = check_batch(batch(ROW, ROW | change, ROW), ITEMS, code_lists=LISTS, first_row=100)
    assert checked.good.num_rows == (3 if reasons is None else 2)
    assert checked.good.schema == arrow_schema(ITEMS)
    if reasons is None:
        assert (checked.bad.num_rows, checked.reason_counts) == (0, {})
    else:
        assert checked.bad.to_pylist() == [ROW | change | {"_row": 101, "_reasons": reasons}]
        assert checked.reason_counts == dict.fromkeys(reasons, 1)


def test_a_mismatch_that_a_person_confirms_stays_among_the_good() -> None:
    wrong = PERSON[:-1] + "1"
    checked = check_batch(
        batch(ROW, ROW | {"holder": wrong}, ROW | {"holder": wrong, "kind": "9"}), ITEMS, code_lists=LISTS
    )
    assert checked.good["holder"].to_pylist() == [PERSON, wrong]
    assert checked.flagged.to_pylist() == [{"_row": 1, "_reasons": ["holder:CHECK_DIGIT"]}]
    assert checked.bad["_row"].to_pylist() == [2]


def test_an_organisation_code_that_fails_alone_is_flagged() -> None:
    first17 = CODE[:16] + ("0" if CODE[16] != "0" else "1")
    code = first17 + credit_code.check_digit(first17)
    checked = check_batch(batch(ROW | {"code": code}), ITEMS, code_lists=LISTS)
    assert checked.good.num_rows == 1
    assert checked.flagged["_reasons"].to_pylist() == [["code:ORGANISATION_CHECK_DIGIT"]]


def test_missing_columns_are_named_once() -> None:
    with pytest.raises(MissingColumns, match="kind, name") as caught:
        check_batch(batch(ROW).drop_columns(["name", "kind"]), ITEMS, code_lists=LISTS)
    assert caught.value.names == ("kind", "name")


def test_an_empty_batch_has_the_same_shape() -> None:
    checked = check_batch(batch(), ITEMS, code_lists=LISTS)
    assert (checked.good.num_rows, checked.bad.num_rows, checked.good.schema) == (0, 0, arrow_schema(ITEMS))


def test_code_lists_of_the_release_are_known_and_others_must_be_given() -> None:
    rows = pa.record_batch({"mode": ["FILES", "TELEPATHY"]})
    assert check_batch(rows, [item("mode", code_list="modes")]).reason_counts == {"mode:CODE": 1}
    with pytest.raises(KeyError):
        check_batch(rows, [item("mode", code_list="no-such-list")])


def test_every_data_type_has_an_arrow_type() -> None:
    assert len({arrow_type(item("x", data_type)) for data_type in DataType}) == 9
    with pytest.raises(ValueError, match="digits"):
        arrow_type(item("x", "NUMERIC", length=39))


TEXTS = {
    "code": st.sampled_from([CODE, CODE[:-1] + "A", "", "x"]),
    "holder": st.sampled_from([PERSON, "110105491231002", "x" * 18]),
    "division": st.sampled_from(["310101", "310000", "0", "31"]),
    "kind": st.sampled_from(["1", "2", "3", ""]),
    "name": st.text(max_size=6),
    "capital": st.decimals(-1000, 1000, places=3).map(str) | st.sampled_from(["1.50", "-2"]),
    "founded": st.dates().map(str) | st.sampled_from(["2020-02-30", "20200229", "2020/1/1"]),
    "changed": st.datetimes().map(str)
    | st.sampled_from(["2024-05-01T10:00:00Z", "1986-05-04 02:30:00", "1986-09-14 01:30:00", "now", "2024-05-01"]),
    "staff": st.integers(-(10**19), 10**19).map(str),
    "active": st.sampled_from(["是", "no", "?"]),
    "note": st.text(max_size=3),
}
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | texts for name, texts in TEXTS.items()}), max_size=6)


@given(ROWS)
def test_good_and_bad_rows_together_are_the_batch(rows: list[dict[str, str | None]]) -> None:
    checked = check_batch(batch(*rows), ITEMS, code_lists=LISTS)
    assert checked.good.num_rows + checked.bad.num_rows == len(rows)
    bad = {row["_row"]: row for row in checked.bad.to_pylist()}
    assert all({name: row[name] for name in ROW} == rows[number] for number, row in bad.items())
    assert all(row["_reasons"] for row in bad.values())
    kept = [row for number, row in enumerate(rows) if number not in bad]
    assert checked.good["note"].to_pylist() == [row["note"] for row in kept]
    assert set(checked.flagged["_row"].to_pylist()).isdisjoint(bad)


@given(ROWS)
def test_checking_what_passed_changes_nothing(rows: list[dict[str, str | None]]) -> None:
    first = check_batch(batch(*rows), ITEMS, code_lists=LISTS)
    again = check_batch(first.good, ITEMS, code_lists=LISTS)
    assert again.good.equals(first.good)
    assert (again.bad.num_rows, again.flagged.num_rows) == (0, first.flagged.num_rows)


@given(ROWS)
def test_a_row_s_verdict_does_not_depend_on_its_neighbours(rows: list[dict[str, str | None]]) -> None:
    together = check_batch(batch(*rows), ITEMS, code_lists=LISTS)
    alone = [check_batch(batch(row), ITEMS, code_lists=LISTS, first_row=number) for number, row in enumerate(rows)]
    assert together.good.to_pylist() == [row for checked in alone for row in checked.good.to_pylist()]
    assert together.bad.to_pylist() == [row for checked in alone for row in checked.bad.to_pylist()]


@given(st.lists(st.none() | st.sampled_from([PERSON, "x", " "]) | st.text(max_size=19), max_size=5), st.integers(0, 5))
def test_a_slice_of_a_column_is_judged_as_its_rows(texts: list[str | None], start: int) -> None:
    entry = item("x", identifier_kind="RESIDENT_ID")
    rows = pa.record_batch({"x": pa.array(texts, pa.string()).slice(min(start, len(texts)))})
    given_or_blank = [text for text in texts[start:] if not text or not text.strip() or resident_id.is_valid(text)]
    assert check_batch(rows, [entry]).good["x"].to_pylist() == given_or_blank
