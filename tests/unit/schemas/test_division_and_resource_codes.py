import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import division_code, resource_code
from schemas.identifiers.division_code import Level
from schemas.identifiers.faults import Fault


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("310000", Level.PROVINCE, None),
        ("31", Level.PROVINCE, None),
        ("3101", Level.CITY, "3100"),
        ("310100", Level.CITY, "310000"),
        ("310103", Level.COUNTY, "310100"),
        ("310101002", Level.TOWN, "310101000"),
        ("310101002007", Level.VILLAGE, "310101002000"),
        ("441900003000", Level.TOWN, "441900000000"),
        ("429004", Level.COUNTY, "429000"),
    ],
)
def test_level_and_parent(code: str, level: Level, parent: str | None) -> None:
    assert division_code.level(code) is level
    assert division_code.parent(code) == parent


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("3101", None),
        ("31010", Fault.LENGTH),
        ("31010A", Fault.CHARACTER),
        ("310003", Fault.SHAPE),
        ("010100", Fault.SHAPE),
        ("３10100", Fault.CHARACTER),
        ("31010\n", Fault.CHARACTER),
    ],
)
def test_reasons_are_precise(code: str, fault: Fault | None) -> None:
    assert division_code.check(code) == (() if fault is None else (fault,))


@given(st.lists(st.none() | st.text("012A省\n", max_size=13) | st.from_regex(r"\A[1-9][0-9]{5}\Z"), max_size=8))
def test_a_column_is_judged_as_its_rows_are(codes: list[str | None]) -> None:
    expected = [None if code is None else next(iter(division_code.check(code)), None) for code in codes]
    assert division_code.check_array(pa.array(codes, pa.string())).to_pylist() == expected


@given(st.from_regex(r"\A[1-9]([0-9]{2}([0-9]{3}([0-9]{2}){0,3})?)?\Z"), st.integers(1, 999_999))
def test_a_resource_code_is_read_back_as_it_was_made(classification: str, sequence: int) -> None:
    code = resource_code.make(classification, sequence)
    assert resource_code.check(code) == ()
    assert resource_code.parse(code) == resource_code.ResourceCode(classification, sequence)


@pytest.mark.parametrize("code", ["307004", "307004/12", "307004/000000", "3070/000001", "30700４/000001", "a/000001"])
def test_wrong_resource_codes_are_refused(code: str) -> None:
    assert resource_code.check(code)
    with pytest.raises(ValueError, match="resource code"):
        resource_code.parse(code)


@pytest.mark.parametrize(("classification", "sequence"), [("30", 1), ("307004", 0), ("307004", 1_000_000)])
def test_impossible_parts_make_no_code(classification: str, sequence: int) -> None:
    with pytest.raises(ValueError, match="classification"):
        resource_code.make(classification, sequence)
