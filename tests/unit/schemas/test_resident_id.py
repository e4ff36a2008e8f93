from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import resident_id
from schemas.identifiers.faults import Fault


def make(division: str, birth: date, sequence: int) -> str:
    first17 = f"{division}{birth.year:04d}{birth.month:02d}{birth.day:02d}{sequence:03d}"
    return first17 + resident_id.check_digit(first17)


DIVISIONS = st.builds("{}{:04d}".format, st.sampled_from(sorted(resident_id.PROVINCES)), st.integers(0, 9999))
NUMBERS = st.builds(make, DIVISIONS, st.dates(date(1800, 1, 1), date(2099, 12, 31)), st.integers(0, 999))


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_examples_of_the_standard_are_right(number: str) -> None:
    assert resident_id.check(number) == ()


def test_a_number_tells_its_holder() -> None:
    assert resident_id.holder("11010519491231002X") == resident_id.Holder(
        date(1949, 12, 31), False, resident_id.HolderKind.CITIZEN
    )


@pytest.mark.parametrize("division", ["310103", "310108", "310119", "310225", "310230", "440524"])
def test_codes_of_abolished_divisions_are_accepted(division: str) -> None:
    assert resident_id.check(make(division, date(1970, 5, 17), 21)) == ()


@pytest.mark.parametrize("division", ["810000", "820000", "830000"])
def test_residence_permits_are_accepted_and_named(division: str) -> None:
    number = make(division, date(1988, 2, 29), 3)
    assert resident_id.holder(number).kind is resident_id.HolderKind.RESIDENCE_PERMIT


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("110105491231002", Fault.OLD_FORM),
        ("1101054912310021", Fault.LENGTH),
        ("11010519491231002x", Fault.CHARACTER),
        ("1101051949123100X2", Fault.CHARACTER),
        ("110105194912310021", Fault.CHECK_DIGIT),
        (make("990105", date(1949, 12, 31), 2), Fault.DIVISION),
        ("110105190002290" + "01" + resident_id.check_digit("11010519000229001"), Fault.BIRTH_DATE),
    ],
)
def test_reasons_are_precise(number: str, fault: Fault) -> None:
    assert resident_id.check(number) == (fault,)


def test_a_birth_to_come_is_wrong_when_today_is_known() -> None:
    number = make("310101", date(2030, 1, 1), 11)
    assert resident_id.check(number) == ()
    assert resident_id.check(number, latest_birth=date(2029, 12, 31)) == (Fault.BIRTH_DATE,)


@given(NUMBERS)
def test_made_numbers_are_right(number: str) -> None:
    assert resident_id.check(number) == ()


@given(NUMBERS, st.integers(0, 16), st.sampled_from("0123456789"))
def test_every_single_substitution_is_found(number: str, position: int, other: str) -> None:
    changed = number[:position] + other + number[position + 1 :]
    assert (Fault.CHECK_DIGIT in resident_id.check(changed)) == (changed != number)


@given(NUMBERS, st.integers(0, 15))
def test_every_transposition_of_neighbours_is_found(number: str, position: int) -> None:
    changed = number[:position] + number[position + 1] + number[position] + number[position + 2 :]
    assert (Fault.CHECK_DIGIT in resident_id.check(changed)) == (changed != number)


def _with_day(day: str) -> str:
    first17 = f"310101{day}001"
    return first17 + resident_id.check_digit(first17)


DAYS = st.builds(
    "{}{:02d}{:02d}".format,
    st.sampled_from([1799, 1800, 1900, 1904, 1999, 2000]),
    st.integers(0, 99),
    st.integers(0, 99),
).map(_with_day)
LEAP_DAYS = st.builds("{:04d}02{:02d}".format, st.integers(1790, 2099), st.integers(27, 31)).map(_with_day)
ROWS = st.one_of(
    NUMBERS, DAYS, LEAP_DAYS, st.text("0123456789X", min_size=14, max_size=19), st.text(max_size=20), st.none()
)


@given(st.lists(ROWS, max_size=8), st.integers(0, 3), st.none() | st.dates(date(1850, 1, 1), date(2050, 1, 1)))
def test_a_column_is_judged_as_its_rows_are(numbers: list[str | None], start: int, latest: date | None) -> None:
    values = pa.array(numbers, pa.string()).slice(min(start, len(numbers)))
    expected = [
        None if number is None else next(iter(resident_id.check(number, latest_birth=latest)), None)
        for number in numbers[start:]
    ]
    assert resident_id.check_array(values, latest_birth=latest).to_pylist() == expected


@pytest.mark.parametrize(("year", "right"), [(1800, False), (1900, False), (1904, True), (2000, True), (2023, False)])
def test_leap_days_of_centuries(year: int, right: bool) -> None:
    number = _with_day(f"{year}0229")
    assert resident_id.is_valid(number) is right
    assert resident_id.check_array(pa.array([number])).to_pylist() == [None if right else Fault.BIRTH_DATE]


@given(st.dates(date(1890, 1, 1), date(2060, 1, 1)))
def test_the_day_before_the_latest_birth_passes_and_the_day_after_does_not(latest: date) -> None:
    numbers = pa.array([make("310101", latest, 1), make("310101", latest + timedelta(days=1), 1)])
    assert resident_id.check_array(numbers, latest_birth=latest).to_pylist() == [None, Fault.BIRTH_DATE]


def test_eighteen_characters_of_more_bytes_hold_a_wrong_one() -> None:
    texts = ["0" * 17 + "é", "统" * 6, "0" * 16 + "é", None]
    assert resident_id.check_array(pa.array(texts)).to_pylist() == [Fault.CHARACTER, Fault.LENGTH, Fault.LENGTH, None]
