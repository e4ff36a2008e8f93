"""Checks over whole columns of identifiers of one length: a matrix of bytes, and the same arithmetic for every row."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.fixed_width import PairTable, Rows, pairs_of, rows_of
from schemas.identifiers.faults import Fault

Mask = npt.NDArray[np.bool_]
Sums = npt.NDArray[np.int32]
Verdicts = dict[Fault, Mask]
"""For each fault, which rows have it; the first fault that a row has is reported."""

ODD = 1 << 10
WRONG = 1 << 16


@dataclass(frozen=True)
class Place:
    """One place of an identifier.

    Args:
        values: what each character counts that may stand there; any other is wrong.
        weight: what a character's value is multiplied by.
        odd: characters that may stand there as characters go, yet not in this place.
    """

    values: Mapping[str, int]
    weight: int = 0
    odd: Collection[str] = ()


def pair_tables(places: Sequence[Place], modulus: int) -> list[PairTable]:
    """For each pair of neighbouring places, what two characters add to a row's sum.

    Args:
        places: an even number of them, at most 32, so that no sum of values reaches ``ODD``.
        modulus: of the check, at most 31.
    """
    entries = [np.array([_entry(place, chr(byte), modulus) for byte in range(256)], np.int32) for place in places]
    # The second byte is the high half of a pair.
    return [np.add.outer(second, first).ravel() for first, second in zip(entries[::2], entries[1::2], strict=True)]


def _entry(place: Place, character: str, modulus: int) -> int:
    if character not in place.values:
        return WRONG
    return place.values[character] * place.weight % modulus + (ODD if character in place.odd else 0)


def sums(rows: Rows, tables: Sequence[PairTable]) -> Sums:
    """What the characters of each row add up to, by ``pair_tables``; ``wrong``, ``odd`` and ``rest`` read it."""
    pairs = pairs_of(rows)
    total = tables[0].take(pairs[:, 0])
    for place in range(1, len(tables)):
        total += tables[place].take(pairs[:, place])
    return total


def wrong(total: Sums) -> Mask:
    """Which rows have a character that may not stand in its place."""
    return np.asarray(total >= WRONG)


def odd(total: Sums) -> Mask:
    """Which rows have an odd character, among those without a wrong one."""
    return np.asarray(total >= ODD)


def rest(total: Sums, modulus: int) -> Sums:
    """The sum of value times weight modulo ``modulus``, of rows without a wrong character."""
    return (total & (ODD - 1)) % modulus


def check_fixed_width(values: pa.Array, width: int, judge: Callable[[Rows], Verdicts]) -> pa.StringArray:
    """The first fault of every row of a column of identifiers.

    Args:
        values: strings.
        width: the one right length, in characters.
        judge: given the rows of the right length, the faults in order of report.

    Returns:
        As long as ``values``: the fault's name, or null where the row is right or itself null.
    """
    rows = rows_of(values, width)
    if rows is not None:
        faults = _first_faults(judge(rows), len(values))
        if not (rows > 127).any():
            return faults
    text = values.cast(pa.large_string())
    right_length = pc.equal(pc.utf8_length(text), width)
    fits = pc.fill_null(pc.and_(right_length, pc.equal(pc.binary_length(text), width)), False)
    fitting = rows_of(text.filter(fits), width)
    faults = _first_faults(judge(fitting), len(fitting)) if fitting is not None else pa.array([], pa.string())
    others = pc.if_else(right_length, pa.scalar(str(Fault.CHARACTER)), pa.scalar(str(Fault.LENGTH)))
    return pc.replace_with_mask(others, fits, faults)


def _first_faults(verdicts: Verdicts, rows: int) -> pa.StringArray:
    faults = pa.nulls(rows, pa.string())
    for fault, has_it in reversed(verdicts.items()):
        if has_it.any():
            faults = pc.if_else(pa.array(has_it), pa.scalar(str(fault)), faults)
    return faults
