"""公民身份号码 (GB 11643-1999) and the permits that share its form.

18 characters: address 6, birth date 8, sequence 3 (odd for men), check 1 (ISO 7064 MOD 11-2). The address is the
division at the time of issue, so codes of abolished districts are right for as long as their holders live; only the
province is looked at. 81, 82 and 83 are the residence permits of people from Hong Kong, Macao and Taiwan.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from schemas.identifiers import columns
from schemas.identifiers.faults import Fault

WIDTH = 18
OLD_WIDTH = 15
_DIGITS = "0123456789"
_CHECKS = "0123456789X"
_CHECK_VALUES = {character: value for value, character in enumerate(_CHECKS)}
_DIGIT_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PERMITS = ("81", "82", "83")
_PROVINCES_BY_REGION = (
    range(11, 16),
    range(21, 24),
    range(31, 38),
    range(41, 47),
    range(50, 55),
    range(61, 66),
    range(71, 72),
)
PROVINCES = frozenset(str(number) for region in _PROVINCES_BY_REGION for number in region)
_EARLIEST_YEAR = 1800


class HolderKind(StrEnum):
    """Whose number it is."""

    CITIZEN = "CITIZEN"
    RESIDENCE_PERMIT = "RESIDENCE_PERMIT"


@dataclass(frozen=True, slots=True)
class Holder:
    """What a right number says about the person who has it."""

    birth: date
    male: bool
    kind: HolderKind


def normalise(text: str) -> str:
    """What a person typed, as the number is written: no spaces, no full-width forms, a capital X."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def check_digit(first17: str) -> str:
    """The 18th character (ISO 7064 MOD 11-2).

    Raises:
        ValueError: not 17 digits.
    """
    if len(first17) != WIDTH - 1 or not _is_digits(first17):
        raise ValueError("The check digit needs the 17 digits before it.")
    return _CHECKS[(1 - 2 * int(first17, 13)) % 11]


def check(number: str, *, latest_birth: date | None = None) -> tuple[Fault, ...]:
    """Everything that is wrong with a number; nothing when it is right.

    Args:
        number: as written; an old number of 15 digits is recognised and named as such.
        latest_birth: births after this day are wrong (usually today); None leaves that open.
    """
    if len(number) == OLD_WIDTH and _is_digits(number):
        return (Fault.OLD_FORM,)
    if len(number) != WIDTH:
        return (Fault.LENGTH,)
    if not _is_digits(number[:17]) or number[17] not in _CHECKS:
        return (Fault.CHARACTER,)
    birth = _birth(number)
    faults = {
        Fault.DIVISION: number[:2] not in PROVINCES and number[:2] not in _PERMITS,
        Fault.BIRTH_DATE: birth is None or (latest_birth is not None and birth > latest_birth),
        Fault.CHECK_DIGIT: check_digit(number[:17]) != number[17],
    }
    return tuple(fault for fault, present in faults.items() if present)


def is_valid(number: str, *, latest_birth: date | None = None) -> bool:
    """Whether nothing is wrong with the number."""
    return not check(number, latest_birth=latest_birth)


def holder(number: str) -> Holder:
    """Birth date, sex and kind that a right number tells.

    Raises:
        ValueError: the number is wrong.
    """
    birth = _birth(number) if is_valid(number) else None
    if birth is None:
        raise ValueError("The identity number is wrong, so nothing can be read from it.")
    kind = HolderKind.RESIDENCE_PERMIT if number[:2] in _PERMITS else HolderKind.CITIZEN
    return Holder(birth, int(number[16]) % 2 == 1, kind)


def check_array(values: pa.Array, *, latest_birth: date | None = None) -> pa.StringArray:
    """The first fault of every row, null where the row is right or null (see ``check``)."""
    faults = columns.check_fixed_width(values, WIDTH, lambda data: _judge(data, latest_birth))
    if not pc.any(pc.equal(faults, str(Fault.LENGTH))).as_py():
        return faults
    old = pc.fill_null(pc.match_substring_regex(values, f"^[0-9]{{{OLD_WIDTH}}}$"), False)
    return pc.if_else(old, pa.scalar(str(Fault.OLD_FORM)), faults)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _birth(number: str) -> date | None:
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return birth if birth.year >= _EARLIEST_YEAR else None


def _judge(data: bytes, latest_birth: date | None) -> columns.Verdicts:
    last = columns.column(data, 17, WIDTH, columns.table(_CHECK_VALUES, other=0))
    total = pc.add(columns.weighted_sum(data, WIDTH, _DIGIT_VALUES, _WEIGHTS, 11), last)
    characters = pc.or_(
        columns.outside(data, WIDTH, range(17), _DIGITS), columns.outside(data, WIDTH, range(17, 18), _CHECKS)
    )
    return {
        Fault.CHARACTER: characters,
        Fault.DIVISION: _wrong_province(data),
        Fault.BIRTH_DATE: _wrong_birth(data, latest_birth),
        Fault.CHECK_DIGIT: pc.not_equal(columns.through(total, bytes(number % 11 for number in range(256))), 1),
    }


def _wrong_province(data: bytes) -> pa.BooleanArray:
    known = {int(code) for code in (*PROVINCES, *_PERMITS)}
    return pc.equal(columns.through(_two_digits(data, 0), bytes(number not in known for number in range(256))), 1)


def _wrong_birth(data: bytes, latest: date | None) -> pa.BooleanArray:
    """Calendar arithmetic on the eight digits of the birth date, in the Gregorian calendar."""
    century, year = _two_digits(data, 6), _two_digits(data, 8)
    month, day = _two_digits(data, 10), _two_digits(data, 12)
    leap_divisor = pc.if_else(pc.equal(year, 0), century, year)
    leap = pc.equal(pc.bit_wise_and(leap_divisor, 3), 0)
    days = columns.through(month, bytes([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) + bytes(243))
    days = pc.if_else(pc.and_(leap, pc.equal(month, 2)), pa.scalar(29, pa.uint8()), days)
    wrong = pc.or_(pc.equal(day, 0), pc.greater(day, days))
    wrong = pc.or_(wrong, pc.less(century, _EARLIEST_YEAR // 100))
    if latest is None:
        return wrong
    return pc.or_(wrong, pc.greater(_as_number(century, year, month, day), int(latest.strftime("%Y%m%d"))))


def _two_digits(data: bytes, position: int) -> pa.UInt8Array:
    tens = columns.table({digit: 10 * value for digit, value in _DIGIT_VALUES.items()}, other=0)
    ones = columns.table(_DIGIT_VALUES, other=0)
    return pc.add(columns.column(data, position, WIDTH, tens), columns.column(data, position + 1, WIDTH, ones))


def _as_number(*pairs: pa.UInt8Array) -> pa.Int32Array:
    total = pairs[0].cast(pa.int32())
    for pair in pairs[1:]:
        total = pc.add(pc.multiply(total, pa.scalar(100, pa.int32())), pair.cast(pa.int32()))
    return total
