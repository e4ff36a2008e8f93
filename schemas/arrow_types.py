"""Data items as Arrow columns: what a loaded row looks like in the lake, in serving tables and in files."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from schemas.words import DataType

MONEY = pa.decimal128(20, 2)
"""Yuan with two places: exact, and the unit is the same in every file and answer, which whole fen would not show."""

MOMENT = pa.timestamp("us", tz="UTC")
_MOST_DIGITS = 38
_USUAL_DIGITS = 20
_TYPES = {
    DataType.CHARACTER: pa.string(),
    DataType.MONEY: MONEY,
    DataType.DATE: pa.date32(),
    DataType.DATETIME: MOMENT,
    DataType.LOGICAL: pa.bool_(),
    DataType.MEMO: pa.string(),
    DataType.GENERAL: pa.binary(),
    DataType.DOUBLE: pa.float64(),
    DataType.INTEGER: pa.int64(),
    DataType.FLOAT: pa.float64(),
}


def arrow_type(item: Mapping[str, Any]) -> pa.DataType:
    """The Arrow type of an item: ``data_type``, and for NUMERIC ``length`` digits with ``scale`` decimal places.

    Raises:
        ValueError: an unknown data type, or more digits than there can be.
    """
    data_type = DataType(item["data_type"])
    if data_type is not DataType.NUMERIC:
        return _TYPES[data_type]
    digits, places = item.get("length") or _USUAL_DIGITS, item.get("scale") or 0
    if not 0 <= places <= digits <= _MOST_DIGITS:
        raise ValueError(f"A numeric item has at most {_MOST_DIGITS} digits and no more decimal places than digits.")
    return pa.decimal128(digits, places)


def arrow_schema(items: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """The schema of a resource's rows: a column per item, in order, named by ``field_name``.

    All columns may hold nulls: whether a value is required is checked row by row, so that a later version of the
    resource can change it without a new table.
    """
    return pa.schema([pa.field(item["field_name"], arrow_type(item)) for item in items])
