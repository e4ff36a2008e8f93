"""Checking rows against their data items, a batch at a time: types, required values, lengths, codes, identifiers.

Rows that fail are set aside with their reasons; good and bad rows together are the batch. A reason is
``field_name:CODE``, where CODE is one of ``Reason`` or of ``schemas.identifiers.faults.Fault``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas import code_lists as packaged
from schemas.arrow_types import arrow_schema, arrow_type
from schemas.conversions import convert
from schemas.identifiers import credit_code, division_code, resident_id
from schemas.words import DataType, IdentifierKind, OnMismatch

ROW = "_row"
REASONS = "_reasons"


class Reason(StrEnum):
    """Why a value is set aside, apart from the faults of identifiers."""

    TYPE = "TYPE"
    REQUIRED = "REQUIRED"
    TOO_LONG = "TOO_LONG"
    NUL = "NUL"
    CODE = "CODE"


class MissingColumns(ValueError):  # noqa: N818 - reads as what it says: the batch has missing columns
    """The rows lack columns that the data items name; nothing of the batch can be used."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"The data has no column {', '.join(self.names)}. Add it, or correct the items' field names.")


@dataclass(frozen=True, slots=True)
class CheckedBatch:
    """A batch, divided.

    Args:
        typed: all rows, typed as ``arrow_schema(items)``.
        refused: the places of bad rows among them, which rise.
        bad: these rows as they arrived, with ``_row`` (their number in the load) and ``_reasons``.
        flagged: ``_row`` and ``_reasons`` of good rows that a person should look at.
        reason_counts: how many values had each reason, those of flagged rows included.
    """

    typed: pa.RecordBatch
    refused: Sequence[int]
    bad: pa.RecordBatch
    flagged: pa.RecordBatch
    reason_counts: Mapping[str, int]

    @property
    def good(self) -> pa.RecordBatch:
        """Rows that passed, typed; the batch itself where all did."""
        return without(self.typed, self.refused)


@dataclass(slots=True)
class _Remarks:
    """Per check, a column of the batch's length with the reason where there is one."""

    refusing: list[pa.StringArray] = field(default_factory=list)
    flagging: list[pa.StringArray] = field(default_factory=list)

    def refuse(self, mask: pa.BooleanArray, name: str, reason: Reason) -> None:
        if pc.any(mask).as_py():
            self.refusing.append(pc.if_else(mask, pa.scalar(f"{name}:{reason}"), pa.scalar(None, pa.string())))


def check_batch(
    batch: pa.RecordBatch,
    items: Sequence[Mapping[str, Any]],
    *,
    code_lists: Mapping[str, Collection[str]] | None = None,
    first_row: int = 0,
) -> CheckedBatch:
    """Divide a batch into good and bad rows.

    Args:
        batch: rows with at least a column per item; columns without an item are dropped from the good rows.
        items: data items as in the catalogue (``field_name``, ``data_type``, ``length``, ``scale``, ``nullable``,
            ``identifier_kind``, ``on_mismatch``, ``code_list``).
        code_lists: codes of the lists that items name, by key; those that come with the release need not be given.
        first_row: number of the batch's first row in the load.

    Raises:
        MissingColumns: the batch lacks columns, or has one twice.
        KeyError: an item names a code list that nobody gave.
    """
    positions = [batch.schema.get_field_index(item["field_name"]) for item in items]
    if missing := [item["field_name"] for item, position in zip(items, positions, strict=True) if position < 0]:
        raise MissingColumns(missing)
    remarks = _Remarks()
    typed = []
    for item, position in zip(items, positions, strict=True):
        arrived = batch.column(position)
        column = convert(arrived, arrow_type(item))
        _check_column(arrived, column, item, code_lists or {}, remarks)
        typed.append(column)
    return _divide(batch, pa.record_batch(typed, schema=arrow_schema(items)), remarks, first_row)


def _check_column(
    arrived: pa.Array,
    column: pa.Array,
    item: Mapping[str, Any],
    lists: Mapping[str, Collection[str]],
    remarks: _Remarks,
) -> None:
    name, data_type = item["field_name"], DataType(item["data_type"])
    is_text = data_type in (DataType.CHARACTER, DataType.MEMO)
    missing = _is_blank(arrived)
    if column.null_count and data_type is not DataType.GENERAL:
        remarks.refuse(pc.and_not(column.is_null(), missing), name, Reason.TYPE)
    if item.get("nullable") is False:
        remarks.refuse(missing, name, Reason.REQUIRED)
    if not is_text:
        return
    if _may_hold_nul(column):
        remarks.refuse(_true(pc.match_substring(column, "\x00")), name, Reason.NUL)
    if item.get("length") and _may_be_longer(column, item["length"]):
        remarks.refuse(_true(pc.greater(pc.utf8_length(column), item["length"])), name, Reason.TOO_LONG)
    if key := item.get("code_list"):
        known = pa.array(sorted(lists[key] if key in lists else packaged.code_list(key).values()), pa.string())
        remarks.refuse(pc.and_not(pc.invert(missing), pc.is_in(column, known)), name, Reason.CODE)
    if kind := item.get("identifier_kind"):
        given = pc.if_else(missing, pa.scalar(None, pa.string()), column) if pc.any(missing).as_py() else column
        _check_identifier(given, item, IdentifierKind(kind), remarks)


def _check_identifier(column: pa.Array, item: Mapping[str, Any], kind: IdentifierKind, remarks: _Remarks) -> None:
    """Mismatches set a row aside, or flag it where the item says that a person confirms them."""
    flag = item.get("on_mismatch") == OnMismatch.FLAG
    _note(_CHECKS[kind](column), item, remarks.flagging if flag else remarks.refusing)
    if kind is IdentifierKind.CREDIT_CODE:
        doubts = credit_code.organisation_faults(column)
        if doubts.null_count == len(doubts):
            return
        only = pc.if_else(pc.equal(doubts, "ORGANISATION_CHECK_DIGIT"), doubts, pa.scalar(None, pa.string()))
        _note(only, item, remarks.flagging)


def _note(faults: pa.StringArray, item: Mapping[str, Any], remarks: list[pa.StringArray]) -> None:
    if faults.null_count < len(faults):
        remarks.append(pc.binary_join_element_wise(item["field_name"], faults, ":"))


_CHECKS: Mapping[IdentifierKind, Callable[[pa.Array], pa.StringArray]] = {
    IdentifierKind.CREDIT_CODE: credit_code.check_array,
    IdentifierKind.RESIDENT_ID: resident_id.check_array,
    IdentifierKind.DIVISION_CODE: division_code.check_array,
}


def _is_blank(arrived: pa.Array) -> pa.BooleanArray:
    """Where nothing was given: null, or text of spaces only."""
    if not (pa.types.is_string(arrived.type) or pa.types.is_large_string(arrived.type)):
        return arrived.is_null()
    blank = pc.or_(pc.equal(arrived, ""), pc.utf8_is_space(arrived))
    return pc.fill_null(blank, True)


def _may_hold_nul(column: pa.StringArray) -> bool:
    """A look at the bytes, far quicker than a search by row; databases cannot store text with a NUL."""
    data = column.buffers()[2]
    return data is not None and b"\x00" in data.to_pybytes()


def _may_be_longer(column: pa.StringArray, length: int) -> bool:
    """A look at the numbers of bytes: no value has more characters than bytes."""
    most = pc.max(pc.binary_length(column)).as_py()
    return most is not None and most > length


def _true(mask: pa.BooleanArray) -> pa.BooleanArray:
    return pc.fill_null(mask, False)


def _divide(batch: pa.RecordBatch, typed: pa.RecordBatch, remarks: _Remarks, first_row: int) -> CheckedBatch:
    is_bad = _has_remark(remarks.refusing, batch.num_rows)
    is_flagged = pc.and_not(_has_remark(remarks.flagging, batch.num_rows), is_bad)
    kept = [name for name in batch.schema.names if name not in (ROW, REASONS)]
    bad = _with_reasons(batch.select(kept), remarks.refusing, is_bad, first_row)
    flagged = _with_reasons(batch.select([]), remarks.flagging, is_flagged, first_row)
    refused = pc.indices_nonzero(is_bad).to_pylist()
    return CheckedBatch(typed, refused, bad, flagged, _count([*remarks.refusing, *remarks.flagging]))


def without(batch: pa.RecordBatch, places: Sequence[int]) -> pa.RecordBatch:
    """The rows of a batch but those at these places, which rise; the long runs between few are copied whole."""
    if not places:
        return batch
    if len(places) > batch.num_rows // 20:
        every = pa.arange(0, batch.num_rows)
        return batch.filter(pc.invert(pc.is_in(every, pa.array(places, pa.int64()))))
    edges = [-1, *places, batch.num_rows]
    return pa.concat_batches([batch.slice(low + 1, high - low - 1) for low, high in pairwise(edges)])


def _has_remark(remarks: Sequence[pa.StringArray], rows: int) -> pa.BooleanArray:
    return reduce(pc.or_, [remark.is_valid() for remark in remarks], pa.repeat(False, rows))


def _with_reasons(
    batch: pa.RecordBatch, remarks: Sequence[pa.StringArray], mask: pa.BooleanArray, first_row: int
) -> pa.RecordBatch:
    """The rows of the mask, with their numbers in the load and the list of their reasons."""
    schema = batch.schema.append(pa.field(ROW, pa.int64())).append(pa.field(REASONS, pa.list_(pa.string())))
    if not pc.any(mask).as_py():
        return pa.RecordBatch.from_pylist([], schema=schema)
    numbers = pc.add(pc.indices_nonzero(mask).cast(pa.int64()), first_row)
    given = [remark.filter(mask) for remark in remarks]
    reasons = pc.split_pattern(pc.binary_join_element_wise(*given, ";", null_handling="skip"), ";")
    columns = [column.filter(mask) for column in batch.columns]
    return pa.record_batch([*columns, numbers, reasons.cast(pa.list_(pa.string()))], schema=schema)


def _count(remarks: Sequence[pa.StringArray]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for remark in remarks:
        for entry in remark.drop_null().value_counts():
            counts[entry["values"].as_py()] = entry["counts"].as_py()
    return counts
