"""Columns as they arrive, brought to the type of their data item; what cannot be read is marked, not raised."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.arrow_types import MOMENT
from schemas.fixed_width import Rows, number_table, pairs_of, rows_of

ZONE = "Asia/Shanghai"
_FEW = 32
_REMEMBERED = 65_536  # as many days as 179 years have
_WORDS = {
    True: ("true", "t", "yes", "y", "1", "是", "真", "有"),
    False: ("false", "f", "no", "n", "0", "否", "假", "无"),
}
_FIRST_DAY = date(1, 1, 1)
_MONTHS = np.arange("0001-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int32)
"""The first day of every month from the year 1 on, in days since 1970."""
_NO_NUMBER = 1 << 20
_DATE_PAIRS = [number_table(form, other=_NO_NUMBER) for form in ("00", "00", "-0", "0-", "00")]
"""How the pairs of characters of 2024-02-28 are read."""
_WALL_CLOCK = pa.timestamp("us")
_IN_SHANGHAI = pa.timestamp("us", ZONE)
_FIRST_MOMENT = pa.scalar("0001-01-02").cast(_WALL_CLOCK)


def convert(values: pa.Array, target: pa.DataType) -> pa.Array:
    """The column in the target type; null where a value cannot be read (the caller compares the nulls).

    Args:
        values: text in the forms people and databases write, or a column of a related type. Moments without a zone
            are Shanghai's.
        target: a type of ``schemas.arrow_types``.
    """
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.type == target:
        return values
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), target)
    if not _is_text(values.type):
        try:
            return _cast_related(values, target)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            values = _as_text(values)
    return _from_text(values.cast(pa.string()), target)


def blank_to_null(values: pa.Array) -> pa.Array:
    """Text without its outer spaces, and null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _as_text(values: pa.Array) -> pa.StringArray:
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(values), pa.string())


def _cast_related(values: pa.Array, target: pa.DataType) -> pa.Array:
    """A cast between types that mean the same; others (a whole number as a moment) go through text.

    Raises:
        pa.ArrowInvalid: a value does not fit, or the types are not related.
    """
    kind = values.type
    if target == MOMENT and pa.types.is_temporal(kind) and not pa.types.is_time(kind):
        aware = pa.types.is_timestamp(kind) and kind.tz is not None
        return values.cast(MOMENT, safe=False) if aware else _in_zone(values.cast(_WALL_CLOCK, safe=False))
    if target == pa.date32() and pa.types.is_timestamp(kind):
        return _midnights(values if kind.tz is None else pc.local_timestamp(values.cast(_IN_SHANGHAI, safe=False)))
    related = (
        (_is_number(kind) and _is_number(target))
        or (pa.types.is_temporal(kind) and pa.types.is_date(target))
        or (pa.types.is_binary(target) and (pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)))
        or pa.types.is_string(target)
    )
    if not related:
        raise pa.ArrowInvalid(f"{kind} does not mean {target}")
    return values.cast(target)


def _midnights(clock: pa.TimestampArray) -> pa.Date32Array:
    """The days of wall-clock times at midnight; a day cannot hold any other time."""
    days = clock.cast(pa.date32())
    return pc.if_else(pc.equal(days.cast(clock.type), clock), days, pa.scalar(None, pa.date32()))


def _from_text(text: pa.StringArray, target: pa.DataType) -> pa.Array:
    if pa.types.is_string(target) or pa.types.is_binary(target):
        return text.cast(target)
    if pa.types.is_date(target):
        return _dates(text)
    return _parser(target)(blank_to_null(text))


def _parser(target: pa.DataType) -> Callable[[pa.StringArray], pa.Array]:
    if pa.types.is_decimal(target):
        return partial(_decimals, target=target)
    if pa.types.is_integer(target):
        return partial(_matching, pattern=r"^-?[0-9]{1,18}$", target=target)
    if pa.types.is_floating(target):
        return _floats
    if pa.types.is_boolean(target):
        return _booleans
    return _moments


def _matching(text: pa.StringArray, pattern: str, target: pa.DataType) -> pa.Array:
    fits = pc.match_substring_regex(text, pattern)
    if not pc.all(fits).as_py():
        text = pc.if_else(fits, text, pa.scalar(None, pa.string()))
    return text.cast(target)


def _decimals(text: pa.StringArray, target: pa.DataType) -> pa.Array:
    whole = f"0*[0-9]{{1,{target.precision - target.scale}}}" if target.precision > target.scale else "0+"
    fraction = rf"(\.[0-9]{{1,{target.scale}}})?" if target.scale else ""
    pattern = f"^-?{whole}{fraction}$"
    if not pc.all(pc.match_substring_regex(text, pattern)).as_py():
        zeros = rf"^(-?[0-9]+\.[0-9]{{{target.scale}}})0+$" if target.scale else r"^(-?[0-9]+)\.0+$"
        text = pc.replace_substring_regex(text, zeros, r"\1")
    return _matching(text, pattern, target)


def _floats(text: pa.StringArray) -> pa.Array:
    numbers = _matching(text, r"^-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?$", pa.float64())
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _booleans(text: pa.StringArray) -> pa.Array:
    words = [(word, meaning) for meaning, same in _WORDS.items() for word in same]
    places = pc.index_in(pc.utf8_lower(text), pa.array([word for word, _ in words]))
    return pa.array([meaning for _, meaning in words]).take(places)


def _dates(text: pa.StringArray) -> pa.Array:
    rows = rows_of(text, len("2024-02-28"))
    if rows is None:
        text = blank_to_null(text)
        rows = rows_of(text, len("2024-02-28"))
    if rows is None:
        days = _dates_by_halves(text)
    else:
        found, right = _iso_days(rows)
        days = pa.array(found).view(pa.date32())
        if not right.all():
            odd = pa.array(~right)
            days = pc.replace_with_mask(days, odd, _dates_by_halves(blank_to_null(text.filter(odd))))
    return pc.if_else(pc.less(days, pa.scalar(_FIRST_DAY)), pa.scalar(None, pa.date32()), days)


def _iso_days(rows: Rows) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Days since 1970 of text of the form 2024-02-28, and which rows are such a day; all columns are read at once."""
    pairs = pairs_of(rows)
    century, decade, ten, one, day = (table.take(pairs[:, place]) for place, table in enumerate(_DATE_PAIRS))
    year, month = century * 100 + decade, ten * 10 + one
    right = (century | decade | ten | one | day) < _NO_NUMBER
    right &= (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12)
    place = np.where(right, (year - 1) * 12 + month - 1, 0)
    days = _MONTHS[place] + day - 1
    return days, right & (day >= 1) & (days < _MONTHS[place + 1])


def _dates_by_halves(text: pa.StringArray) -> pa.Date32Array:
    """Usually few values are odd or wrong, and a cast is quick: halve until they are found, and read those singly."""
    try:
        return text.cast(pa.date32())
    except pa.ArrowInvalid:
        if len(text) <= _FEW:
            read = [None if value is None else _read_day(value) for value in text.to_pylist()]
            return pa.array(read, pa.date32())
        half = len(text) // 2
        return pa.concat_arrays([_dates_by_halves(text.slice(0, half)), _dates_by_halves(text.slice(half))])


def _moments(text: pa.StringArray) -> pa.Array:
    try:
        moments = text.cast(_WALL_CLOCK)
    except pa.ArrowInvalid:
        without_zone = _one_by_one(text, partial(_read_moment, zoned=False), _WALL_CLOCK)
        return pc.coalesce(_in_zone(without_zone), _one_by_one(text, partial(_read_moment, zoned=True), MOMENT))
    return _in_zone(pc.if_else(pc.less(moments, _FIRST_MOMENT), pa.scalar(None, _WALL_CLOCK), moments))


def _in_zone(moments: pa.Array) -> pa.Array:
    """Wall-clock times of Shanghai, its summer times included, as moments."""
    return pc.assume_timezone(moments, ZONE, ambiguous="earliest", nonexistent="earliest").cast(MOMENT)


def _one_by_one(text: pa.StringArray, read: Callable[[str], object], target: pa.DataType) -> pa.Array:
    """Columns with odd or wrong forms: each different value is read once."""
    encoded = text.dictionary_encode()
    read_values = [None if value is None else read(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(read_values, target).take(encoded.indices)


@lru_cache(maxsize=_REMEMBERED)
def _read_day(text: str) -> date | None:
    """2024-02-28, 20240228, 2024/2/28, 2024年2月28日, each also with a midnight behind it."""
    parts = text.replace("年", "-").replace("月", "-").replace("日", "").replace("/", "-").split("-")
    try:
        if len(parts) == 3 and all(part.isdecimal() and part.isascii() for part in parts) and len(parts[0]) == 4:
            return date(int(parts[0]), int(parts[1]), int(parts[2]))
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None
    if moment.tzinfo is not None or (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        return None
    return moment.date()


def _read_moment(text: str, *, zoned: bool) -> datetime | None:
    """An ISO 8601 moment, also with slashes, if it is with, or without, a zone as asked for."""
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
        if (moment.tzinfo is not None) is not zoned or moment.date() == _FIRST_DAY:
            return None
        return moment.astimezone(UTC) if zoned else moment
    except (ValueError, OverflowError):
        return None
