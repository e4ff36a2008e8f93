"""统一社会信用代码, the unified social credit code of organisations (GB 32100-2015), with the organisation code inside
it (GB 11714).

A code is 18 characters: registration department 1, kind 1, administrative division 6, organisation code 9, check 1.
Registered codes that fail the check exist, so whoever checks a register's own rows should have the
mismatch confirmed by a person, and whoever checks a form's field may refuse it.
"""

import unicodedata

import pyarrow as pa

from schemas.findings import Severity
from schemas.fixed_width import Rows
from schemas.identifiers import columns
from schemas.identifiers.faults import Fault

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WIDTH = 18
DEPARTMENTS = "123456789ANY"
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, power, 31) for power in range(WIDTH - 1))
_ORGANISATION_VALUES = {character: value for value, character in enumerate(_DIGITS + _LETTERS)}
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = {character: value for value, character in enumerate("0123456789X")}


def normalise(text: str) -> str:
    """What a person typed, as the code is written: no spaces, no full-width forms, capital letters."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def check_digit(first17: str) -> str:
    """The 18th character: 31 minus the weighted sum modulo 31, where 31 becomes 0.

    Raises:
        ValueError: not 17 characters of the alphabet.
    """
    if len(first17) != WIDTH - 1 or any(character not in _VALUES for character in first17):
        raise ValueError("The check digit needs the 17 characters before it, of 0-9 and A-Y without I, O, S, V, Z.")
    total = sum(_VALUES[character] * weight for character, weight in zip(first17, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def organisation_check_digit(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714): 11 minus the sum modulo 11, 10 as X and 11 as 0.

    Raises:
        ValueError: not 8 characters of 0-9 and A-Z.
    """
    if len(first8) != 8 or any(character not in _ORGANISATION_VALUES for character in first8):
        raise ValueError("The check digit of an organisation code needs the 8 characters before it, of 0-9 and A-Z.")
    pairs = zip(first8, _ORGANISATION_WEIGHTS, strict=True)
    total = sum(_ORGANISATION_VALUES[character] * weight for character, weight in pairs)
    return "0123456789X"[-total % 11]


def make(department: str, kind: str, division: str, organisation8: str) -> str:
    """A right code from its parts: 1 + 1 + 6 + 8 characters; both check digits are computed."""
    first17 = department + kind + division + organisation8 + organisation_check_digit(organisation8)
    return first17 + check_digit(first17)


def check(code: str) -> tuple[Fault, ...]:
    """Everything that is wrong with a code; nothing when it is right."""
    if len(code) != WIDTH:
        return (Fault.LENGTH,)
    if any(character not in _VALUES for character in code):
        return (Fault.CHARACTER,)
    faults = {
        Fault.DEPARTMENT: code[0] not in DEPARTMENTS,
        Fault.DIVISION: not code[2:8].isdecimal(),
        Fault.CHECK_DIGIT: check_digit(code[:17]) != code[17],
        Fault.ORGANISATION_CHECK_DIGIT: organisation_check_digit(code[8:16]) != code[16],
    }
    return tuple(fault for fault, present in faults.items() if present)


def is_valid(code: str) -> bool:
    """Whether nothing refuses the code; warnings may remain."""
    return not any(fault.severity is Severity.ERROR for fault in check(code))


def check_array(values: pa.Array) -> pa.StringArray:
    """The first refusing fault of every row, null where the row is right or null (see ``check``)."""
    return columns.check_fixed_width(values, WIDTH, _judge)


def organisation_faults(values: pa.Array) -> pa.StringArray:
    """Which rows hold an organisation code that fails its own check, among those of right form."""
    return columns.check_fixed_width(values, WIDTH, _judge_organisation)


_PLACES = [
    columns.Place(_VALUES, weight, _LETTERS if 2 <= place < 8 else "") for place, weight in enumerate((*_WEIGHTS, 1))
]
_TABLES = columns.pair_tables(_PLACES, 31)
_ORGANISATION_PLACES = [
    *(columns.Place(_VALUES) for _ in range(8)),
    *(columns.Place({char: _ORGANISATION_VALUES[char] for char in ALPHABET}, each) for each in _ORGANISATION_WEIGHTS),
    columns.Place(_VALUES | _ORGANISATION_CHECKS, 1, set(ALPHABET) - set(_ORGANISATION_CHECKS)),
    columns.Place(_VALUES),
]
_ORGANISATION_TABLES = columns.pair_tables(_ORGANISATION_PLACES, 11)


def _judge(rows: Rows) -> columns.Verdicts:
    total = columns.sums(rows, _TABLES)
    return {
        Fault.CHARACTER: columns.wrong(total),
        Fault.DIVISION: columns.odd(total),
        Fault.CHECK_DIGIT: columns.rest(total, 31) != 0,
    }


def _judge_organisation(rows: Rows) -> columns.Verdicts:
    total = columns.sums(rows, _ORGANISATION_TABLES)
    return {
        Fault.CHARACTER: columns.wrong(total),
        Fault.ORGANISATION_CHECK_DIGIT: columns.odd(total) | (columns.rest(total, 11) != 0),
    }
