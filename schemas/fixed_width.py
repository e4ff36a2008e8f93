"""A text column whose values all have one width, seen as a matrix of bytes without a copy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Rows = npt.NDArray[np.uint8]
"""Bytes of shape (rows, width)."""

Pairs = npt.NDArray[np.uint16]
"""Neighbouring bytes as one number, of shape (rows, width / 2); the first byte is the low half."""

PairTable = npt.NDArray[np.int32]
"""What each of the 65,536 pairs of bytes means."""


def rows_of(values: pa.Array, width: int) -> Rows | None:
    """The bytes of a column of strings that are all ``width`` bytes long; None for any other, also one with nulls."""
    offsets = offsets_of(values)
    if offsets is None or values.null_count or (np.diff(offsets) != width).any():
        return None
    data = values.buffers()[2]
    found = np.frombuffer(data, np.uint8, len(values) * width, int(offsets[0])) if data and width else np.zeros(0, "u1")
    return found.reshape(len(values), width)


def offsets_of(values: pa.Array) -> npt.NDArray[Any] | None:
    """Where the strings of a column begin, and where the last one ends; None without a row, or for what is no text."""
    if not len(values) or not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    kind = np.dtype(np.int32 if pa.types.is_string(values.type) else np.int64)
    return np.frombuffer(values.buffers()[1], kind, len(values) + 1, values.offset * kind.itemsize)


def pairs_of(rows: Rows) -> Pairs:
    """The pairs of bytes of rows of even width: a look-up for two bytes at once costs half of two."""
    return np.ascontiguousarray(rows).view("<u2")


def number_table(form: str, other: int) -> PairTable:
    """The numbers that pairs of a form stand for.

    Args:
        form: two characters, ``0`` for a digit, any other for itself; ``0-`` is a digit before a dash.
        other: what all other pairs become.
    """
    found = np.full(1 << 16, other, np.int32)
    for number in range(10 ** form.count("0")):
        digits = iter(f"{number:0{form.count('0')}}")
        text = "".join(next(digits) if sign == "0" else sign for sign in form)
        found[int.from_bytes(text.encode(), "little")] = number
    return found
