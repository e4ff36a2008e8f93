import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import credit_code
from schemas.identifiers.faults import Fault

CHARACTERS = st.sampled_from(credit_code.ALPHABET)
DIGITS = st.text("0123456789", min_size=6, max_size=6)
CODES = st.builds(
    credit_code.make,
    st.sampled_from(credit_code.DEPARTMENTS),
    st.sampled_from("1239"),
    DIGITS,
    st.text(CHARACTERS, min_size=8, max_size=8),
)


def test_worked_example_of_the_standard_is_right() -> None:
    assert credit_code.check("91350100M000100Y43") == ()


@pytest.mark.parametrize("code", ["91350211M0000XUF46", "91350100M0001TGQXM"])
def test_registered_codes_that_fail_are_named_by_their_check_digit(code: str) -> None:
    assert credit_code.check(code) == (Fault.CHECK_DIGIT,)


def test_a_sum_of_nought_gives_the_check_digit_0() -> None:
    assert credit_code.check_digit("91317195Y7CY91A5A") == "0"


@pytest.mark.parametrize("department", ["A", "N", "Y"])
def test_departments_with_letters_are_accepted(department: str) -> None:
    assert credit_code.check(credit_code.make(department, "2", "310117", "MF000012")) == ()


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("", (Fault.LENGTH,)),
        ("91350100M000100Y4", (Fault.LENGTH,)),
        ("91350100M000100Y4I", (Fault.CHARACTER,)),
        ("91350100m000100y43", (Fault.CHARACTER,)),
        ("９1350100M000100Y43", (Fault.CHARACTER,)),
        ("9135010AM000100Y43", (Fault.DIVISION, Fault.CHECK_DIGIT)),
        ("91350100M000100Y44", (Fault.CHECK_DIGIT,)),
    ],
)
def test_reasons_are_precise(code: str, faults: tuple[Fault, ...]) -> None:
    assert credit_code.check(code) == faults


def test_a_wrong_organisation_code_alone_is_a_warning() -> None:
    first17 = "91350100M000100Y5"
    code = first17 + credit_code.check_digit(first17)
    assert credit_code.check(code) == (Fault.ORGANISATION_CHECK_DIGIT,)
    assert credit_code.is_valid(code)


def test_what_a_person_types_is_brought_to_the_written_form() -> None:
    assert credit_code.normalise(" 91350100 m000100y４3 ") == "91350100M000100Y43"


@given(CODES)
def test_made_codes_are_right(code: str) -> None:
    assert credit_code.check(code) == ()


@given(CODES, st.integers(0, 17), CHARACTERS)
def test_every_single_substitution_is_found(code: str, position: int, other: str) -> None:
    changed = code[:position] + other + code[position + 1 :]
    assert (Fault.CHECK_DIGIT in credit_code.check(changed)) == (changed != code)


@given(CODES, st.integers(0, 16))
def test_every_transposition_of_neighbours_is_found(code: str, position: int) -> None:
    changed = code[:position] + code[position + 1] + code[position] + code[position + 2 :]
    assert (Fault.CHECK_DIGIT in credit_code.check(changed)) == (changed != code)


NEARLY = st.one_of(CODES, st.text("0123456789AIXY", min_size=17, max_size=19), st.text(max_size=20), st.none())


@given(st.lists(NEARLY, max_size=8), st.integers(0, 3))
def test_a_column_is_judged_as_its_rows_are(codes: list[str | None], start: int) -> None:
    values = pa.array(codes, pa.string()).slice(min(start, len(codes)))
    shown = codes[start:]
    refused = [_first_error(code) for code in shown]
    assert credit_code.check_array(values).to_pylist() == refused
    warned = [_organisation_fault(code) for code in shown]
    assert [f == Fault.ORGANISATION_CHECK_DIGIT for f in credit_code.organisation_faults(values).to_pylist()] == warned


def _first_error(code: str | None) -> str | None:
    if code is None:
        return None
    return next((fault for fault in credit_code.check(code) if fault.severity == "ERROR"), None)


def _organisation_fault(code: str | None) -> bool:
    return code is not None and Fault.ORGANISATION_CHECK_DIGIT in credit_code.check(code)


def test_eighteen_characters_of_more_bytes_hold_a_wrong_one() -> None:
    texts = ["0" * 17 + "é", "统" * 6, "0" * 16 + "é", None]
    assert credit_code.check_array(pa.array(texts)).to_pylist() == [Fault.CHARACTER, Fault.LENGTH, Fault.LENGTH, None]
