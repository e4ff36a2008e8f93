"""The compile form's fields, read into the shape that the catalogue's checks take, and back."""

import re
from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from schemas.words import DataType

MOST_ITEMS = 500
LARGEST_NUMBER = 8
_TEXTS = ("name", "abstract", "resource_class", "theme", "classification_code", "system_name", "format", "update_cycle")
_WORDS = ("subject_kind", "secrecy_level", "network", "ground")
_ITEM_TEXTS = ("name", "field_name", "data_type", "description", "share_attribute", "share_condition", "open_attribute")
_ITEM_WORDS = ("sensitivity", "on_mismatch")
_ITEM_CODES = ("identifier_kind", "masking", "code_list")
_BASIS = ("kind", "document", "number", "article")
_SEPARATOR = re.compile(r"[,，、;；\n]+")
_FIELD = re.compile(r"^items-(\d{1,3})-(.+)$")

Fields = Mapping[str, Any]


def entry_from_form() -> dict[str, Any]:
    """The entry's metadata from the sent form."""
    form = request.form
    entry: dict[str, Any] = {name: form.get(name, "").strip() for name in (*_TEXTS, *_WORDS)}
    entry["keywords"] = [word.strip() for word in _SEPARATOR.split(form.get("keywords", "")) if word.strip()]
    entry["modes"] = form.getlist("modes")
    entry["parallel_approval"] = form.get("parallel_approval") == "1"
    return entry


def items_from_form() -> list[dict[str, Any]]:
    """The data items from the sent form, in the order of their rows; rows at the end that nobody touched are none."""
    count = count_from_form()
    while count > 1 and _untouched(count - 1):
        count -= 1
    return [_item(number) for number in range(count)]


def count_from_form() -> int:
    """How many rows of items the sent form has, at most 500."""
    text = request.form.get("items_count", "")
    return min(int(text), MOST_ITEMS) if text.isdigit() and len(text) < LARGEST_NUMBER else 0


def without_row(row: int) -> MultiDict[str, str]:
    """The sent form with one row of items taken out and the later ones moved up."""
    kept: MultiDict[str, str] = MultiDict()
    for name, value in request.form.items(multi=True):
        match = _FIELD.match(name)
        number = int(match[1]) if match else -1
        if match is None or number < row:
            kept.add(name, value)
        elif number > row:
            kept.add(f"items-{number - 1}-{match[2]}", value)
    return kept


def fields_of_items(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stored items as the rows that the form's fields show."""
    return [{**item, **{f"basis_{part}": (item.get("basis") or {}).get(part, "") for part in _BASIS}} for item in items]


def _untouched(row: int) -> bool:
    typed = ("name", "field_name", "length", "scale", "description", "share_condition", *(f"basis_{p}" for p in _BASIS))
    return not any(request.form.get(f"items-{row}-{name}", "").strip() for name in typed)


def _item(row: int) -> dict[str, Any]:
    form, prefix = request.form, f"items-{row}-"

    def said(name: str) -> str:
        return form.get(prefix + name, "").strip()

    item: dict[str, Any] = {name: said(name) for name in (*_ITEM_TEXTS, *_ITEM_WORDS)}
    item |= {name: said(name) or None for name in _ITEM_CODES}
    item["data_type"] = item["data_type"] or DataType.CHARACTER.value
    item["position"] = row + 1
    item["length"], item["scale"] = _number(said("length")), _number(said("scale"))
    item["nullable"] = said("nullable") == "1"
    item["is_key"] = said("is_key") == "1"
    basis = {part: said(f"basis_{part}") for part in _BASIS}
    item["basis"] = basis if any(basis.values()) else None
    return item


def _number(text: str) -> int | str | None:
    """A whole number; other text is passed on, so that the checks name it."""
    if not text:
        return None
    return int(text) if text.isdigit() and len(text) < LARGEST_NUMBER else text
