"""Checks over whole columns, one byte position at a time.

A column of identifiers of one length lies in memory as one run of bytes, so position ``i`` of every row is the slice
``data[i::width]``. Slicing, ``bytes.translate`` and Arrow's arithmetic on bytes then check millions of rows a second.
"""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from schemas.identifiers.faults import Fault

Table = bytes
"""256 bytes for ``bytes.translate``: entry ``b`` is what byte ``b`` becomes."""

Verdicts = dict[Fault, pa.BooleanArray]
"""For each fault, which rows have it; the first fault that a row has is reported."""

INVALID = 255


def table(values: Mapping[str, int], other: int = INVALID) -> Table:
    """A translation of single characters to small numbers; every other byte becomes ``other``."""
    entries = bytearray([other] * 256)
    for character, value in values.items():
        entries[ord(character)] = value
    return bytes(entries)


def column(data: bytes, position: int, width: int, meaning: Table) -> pa.UInt8Array:
    """Position ``position`` of every row, translated."""
    return numbers(data[position::width].translate(meaning))


def numbers(data: bytes) -> pa.UInt8Array:
    """Bytes as an Arrow array of numbers, without a copy."""
    return pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])


def through(values: pa.UInt8Array, meaning: Table) -> pa.UInt8Array:
    """Each number replaced by its entry in the table."""
    return numbers(bytes(memoryview(values.buffers()[1])[: len(values)]).translate(meaning))


def weighted_sum(
    data: bytes, width: int, values: Mapping[str, int], weights: tuple[int, ...], modulus: int, start: int = 0
) -> pa.UInt8Array:
    """The sum of value times weight over the positions from ``start``, modulo ``modulus``; unknown characters are 0."""
    remainder = bytes(number % modulus for number in range(256))
    total = numbers(bytes(len(data) // width))
    room = 255
    for offset, weight in enumerate(weights):
        if room < modulus:
            total, room = through(total, remainder), 255 - modulus
        share = table({character: value * weight % modulus for character, value in values.items()}, other=0)
        total = pc.add(total, column(data, start + offset, width, share))
        room -= modulus
    return through(total, remainder)


def outside(data: bytes, width: int, positions: range, allowed: str) -> pa.BooleanArray:
    """Which rows have, at any of the positions, a character that is not allowed there."""
    wrong = table(dict.fromkeys(allowed, 0), other=1)
    found = numbers(bytes(len(data) // width))
    if len(positions) < width or 1 in data.translate(wrong):
        for position in positions:
            found = pc.bit_wise_or(found, column(data, position, width, wrong))
    return pc.not_equal(found, 0)


def check_fixed_width(values: pa.Array, width: int, judge: Callable[[bytes], Verdicts]) -> pa.StringArray:
    """The first fault of every row of a column of identifiers.

    Args:
        values: strings.
        width: the one right length, in characters.
        judge: given the rows of the right length as one run of bytes, the faults in order of report.

    Returns:
        As long as ``values``: the fault's name, or null where the row is right or itself null.
    """
    run = _one_run(values, width)
    if run is not None:
        return _first_faults(judge(run), len(values))
    text = values.cast(pa.large_string())
    right_length = pc.equal(pc.utf8_length(text), width)
    fits = pc.fill_null(pc.and_(right_length, pc.equal(pc.binary_length(text), width)), False)
    rows = text.filter(fits)
    faults = _first_faults(judge(_bytes_of(rows, width)), len(rows))
    if len(rows) == len(text):
        return faults
    others = pc.if_else(right_length, pa.scalar(str(Fault.CHARACTER)), pa.scalar(str(Fault.LENGTH)))
    return pc.replace_with_mask(others, fits, faults)


def _first_faults(verdicts: Verdicts, rows: int) -> pa.StringArray:
    faults = pa.nulls(rows, pa.string())
    for fault, has_it in reversed(verdicts.items()):
        if pc.any(has_it).as_py():
            faults = pc.if_else(has_it, pa.scalar(str(fault)), faults)
    return faults


def _one_run(values: pa.Array, width: int) -> bytes | None:
    """The bytes of a column whose values all have the right length, which is the usual one; None for any other."""
    if not len(values) or values.null_count or not pa.types.is_string(values.type):
        return None
    lengths = pc.min_max(pc.binary_length(values))
    if (lengths["min"].as_py(), lengths["max"].as_py()) != (width, width):
        return None
    start = pa.Array.from_buffers(pa.int32(), 1, [None, values.buffers()[1]], offset=values.offset)[0].as_py()
    data: bytes = values.buffers()[2].slice(start, len(values) * width).to_pybytes()
    return data if data.isascii() else None


def _bytes_of(rows: pa.LargeStringArray, width: int) -> bytes:
    """The bytes of strings that are all ``width`` bytes long and not null."""
    if len(rows) == 0:
        return b""
    start = pa.Array.from_buffers(pa.int64(), 1, [None, rows.buffers()[1]], offset=rows.offset)[0].as_py()
    data: bytes = rows.buffers()[2].slice(start, len(rows) * width).to_pybytes()
    return data
