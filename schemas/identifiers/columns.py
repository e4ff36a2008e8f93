"""Checks over whole columns of identifiers of one length: a matrix of bytes, and the same arithmetic for every row."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.fixed_width import Rows, rows_of
from schemas.identifiers.faults import Fault

Table = bytes
"""256 bytes for ``bytes.translate``: entry ``b`` is what byte ``b`` becomes."""

Mask = npt.NDArray[np.bool_]
Verdicts = dict[Fault, Mask]
"""For each fault, which rows have it; the first fault that a row has is reported."""

INVALID = 255


def table(values: Mapping[str, int], other: int = INVALID) -> Table:
    """A translation of single characters to small numbers; every other byte becomes ``other``."""
    entries = bytearray([other] * 256)
    for character, value in values.items():
        entries[ord(character)] = value
    return bytes(entries)


def through(rows: Rows, meaning: Table) -> Rows:
    """Each byte replaced by its entry in the table."""
    return np.frombuffer(rows.tobytes().translate(meaning), np.uint8).reshape(rows.shape)


def weighted_sum(values: Rows, weights: Sequence[int], modulus: int) -> npt.NDArray[np.int16]:
    """The sum of value times weight of every row, modulo ``modulus``.

    Args:
        values: numbers below ``modulus`` where the sum is to be right; others give a sum without meaning.
        weights: one per column; those of known identifiers sum up to less than 32,767.
    """
    total: npt.NDArray[np.int16] = values.astype(np.int16) @ np.array(weights, np.int16)
    return total % np.int16(modulus)


def above(values: Rows, most: int) -> Mask:
    """Which rows have a value above ``most``."""
    if not values.size or int(values.max()) <= most:  # the usual case, far quicker than a look at every row
        return np.zeros(len(values), np.bool_)
    return np.asarray((values > most).any(axis=1))


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
