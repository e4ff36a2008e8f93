"""Administrative division codes: six digits down to the county (GB/T 2260), nine to the town and twelve to the village
(the statistical codes built on it), and the short forms of two and four digits for provinces and cities.

Only the form is checked: which codes exist is dated data. A city without counties has towns under county 00 (东莞).
"""

import re
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from schemas.identifiers.faults import Fault

_WIDTHS = (2, 4, 6, 9, 12)
_FORM = r"^[1-9][0-9](00(0{2}|0{5}|0{8})?|([1-9][0-9]|0[1-9])([0-9]{2}|[0-9]{5}|[0-9]{8})?)?$"


class Level(StrEnum):
    """How deep a division lies."""

    PROVINCE = "PROVINCE"
    CITY = "CITY"
    COUNTY = "COUNTY"
    TOWN = "TOWN"
    VILLAGE = "VILLAGE"


def check(code: str) -> tuple[Fault, ...]:
    """Everything that is wrong with the form of a code; nothing when it is right."""
    if len(code) not in _WIDTHS:
        return (Fault.LENGTH,)
    if not (code.isascii() and code.isdigit()):
        return (Fault.CHARACTER,)
    return () if re.match(_FORM, code) else (Fault.SHAPE,)


def is_valid(code: str) -> bool:
    """Whether the form of the code is right."""
    return not check(code)


def level(code: str) -> Level:
    """How deep the division lies: its last part that is not all zeros.

    Raises:
        ValueError: the form of the code is wrong.
    """
    return list(Level)[_depth(code) - 1]


def parent(code: str) -> str | None:
    """The division that holds this one, in the same number of digits; None for a province.

    Raises:
        ValueError: the form of the code is wrong.
    """
    depth = _depth(code)
    return None if depth == 1 else code[: _WIDTHS[depth - 2]].ljust(len(code), "0")


def check_array(values: pa.Array) -> pa.StringArray:
    """The first fault of every row, null where the row is right or null (see ``check``)."""
    encoded = values.dictionary_encode()
    if len(encoded.dictionary) * 2 < len(values):  # the same few codes on many rows
        return _check_each(encoded.dictionary).take(encoded.indices)
    return _check_each(values)


def _check_each(values: pa.Array) -> pa.StringArray:
    none = pa.scalar(None, pa.string())
    faults = pc.if_else(pc.match_substring_regex(values, _FORM), none, pa.scalar(str(Fault.SHAPE)))
    faults = pc.if_else(pc.match_substring_regex(values, r"^[0-9]*$"), faults, pa.scalar(str(Fault.CHARACTER)))
    right_length = pc.is_in(pc.utf8_length(values), pa.array(_WIDTHS, pa.int32()))
    faults = pc.if_else(right_length, faults, pa.scalar(str(Fault.LENGTH)))
    return pc.if_else(values.is_valid(), faults, none)


def _depth(code: str) -> int:
    if check(code):
        raise ValueError(f"{code!r} is not an administrative division code of 2, 4, 6, 9 or 12 digits.")
    significant = len(code.rstrip("0"))
    return next(depth for depth, width in enumerate(_WIDTHS, start=1) if width >= significant)
