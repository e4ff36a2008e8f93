"""公民身份号码 (GB 11643-1999) and the permits that share its form.

18 characters: address 6, birth date 8, sequence 3 (odd for men), check 1 (ISO 7064 MOD 11-2). The address is the
division at the time of issue, so codes of abolished districts are right for as long as their holders live; only the
province is looked at. 81, 82 and 83 are the residence permits of people from Hong Kong, Macao and Taiwan.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.fixed_width import Rows, number_table, pairs_of
from schemas.identifiers import columns
from schemas.identifiers.faults import Fault

WIDTH = 18
OLD_WIDTH = 15
_DIGITS = "0123456789"
_CHECKS = "0123456789X"
_CHECK_VALUES = {character: value for value, character in enumerate(_CHECKS)}
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
_PLACES = [
    *(columns.Place({digit: int(digit) for digit in _DIGITS}, weight) for weight in _WEIGHTS),
    columns.Place(_CHECK_VALUES, 1),
]
_TABLES = columns.pair_tables(_PLACES, 11)
_TWO_DIGITS = number_table("00", other=0)
_TABLES[0] += np.where(np.isin(_TWO_DIGITS, [int(code) for code in (*PROVINCES, *_PERMITS)]), 0, np.int32(columns.ODD))
_MOST_DAYS = np.zeros(100, np.int32)
"""How many days a month has at most; months that no year has have none."""
_MOST_DAYS[1:13] = 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31


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


def in_18(number: str) -> str:
    """A number of the old form, 15 digits, in today's: its holder was born in the 1900s; any other as it is."""
    if len(number) != OLD_WIDTH or not _is_digits(number):
        return number
    first17 = f"{number[:6]}19{number[6:]}"
    return first17 + check_digit(first17)


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


def _judge(rows: Rows, latest_birth: date | None) -> columns.Verdicts:
    total = columns.sums(rows, _TABLES)
    return {
        Fault.CHARACTER: columns.wrong(total),
        Fault.DIVISION: columns.odd(total),
        Fault.BIRTH_DATE: _wrong_birth(rows, latest_birth),
        Fault.CHECK_DIGIT: columns.rest(total, 11) != 1,
    }


def _wrong_birth(rows: Rows, latest: date | None) -> columns.Mask:
    """Calendar arithmetic on the eight digits of the birth date, in the Gregorian calendar."""
    pairs = pairs_of(rows)
    century, decade, month, day = (_TWO_DIGITS.take(pairs[:, place]) for place in range(3, 7))
    year = century * 100 + decade
    wrong = (day == 0) | (day > _MOST_DAYS.take(month)) | (year < _EARLIEST_YEAR)
    leap_days = np.flatnonzero((month == 2) & (day == 29))
    leaping = year[leap_days]
    wrong[leap_days] |= (leaping % 4 != 0) | ((leaping % 100 == 0) & (leaping % 400 != 0))
    if latest is not None:
        wrong |= year * 10_000 + month * 100 + day > int(latest.strftime("%Y%m%d"))
    found: columns.Mask = wrong
    return found
