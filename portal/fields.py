"""Typed values of a sent form: days, numbers, words of an enumeration; what cannot be read is named at its field."""

from datetime import date
from enum import StrEnum
from typing import TypeVar

from flask import request

from adapters.errors import InvalidInput

Word = TypeVar("Word", bound=StrEnum)


def day(name: str) -> date:
    """A day, 2026-11-22.

    Raises:
        InvalidInput: it is missing or no day.
    """
    try:
        return date.fromisoformat(request.form.get(name, "").strip())
    except ValueError:
        raise _wrong(name, "Give a day as 2026-11-22.") from None


def day_given(name: str) -> date | None:
    """A day, or None where none can be read: for a service that names it together with all else that is missing."""
    try:
        return day(name)
    except InvalidInput:
        return None


def optional_number(name: str, *, unreadable: int | None = None) -> int | None:
    """A positive whole number, thousands separators allowed; None when the field is empty.

    Args:
        unreadable: what stands for anything else, for a service that refuses it together with all else.

    Raises:
        InvalidInput: something else stands there, and nothing stands for it.
    """
    text = request.form.get(name, "").strip().replace(",", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        if unreadable is not None:
            return unreadable
        raise _wrong(name, "Give a whole number, or leave it empty.")
    return int(text)


def word(name: str, kind: type[Word]) -> Word:
    """A word of an enumeration.

    Raises:
        InvalidInput: it is none of them.
    """
    try:
        return kind(request.form.get(name, ""))
    except ValueError:
        raise _wrong(name, "Choose one of the options.") from None


def expected() -> int | None:
    """The ``lock_version`` that the form was filled from; None when it carries none."""
    text = request.form.get("lock_version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def basis(prefix: str) -> dict[str, str]:
    """The basis of a refusal from the fields ``PREFIX-kind``, ``-document``, ``-number`` and ``-article``."""
    return {
        name: request.form.get(f"{prefix}-{name}", "").strip() for name in ("kind", "document", "number", "article")
    }


def uploaded(name: str, most: int) -> bytes:
    """The content of an uploaded file, empty when none was chosen.

    Args:
        most: largest size, bytes.

    Raises:
        InvalidInput: it is larger.
    """
    file = request.files.get(name)
    data = file.read(most + 1) if file else b""
    if len(data) > most:
        raise _wrong(name, "This file is too large for what is asked here. Choose the right file.")
    return data


def _wrong(name: str, message: str) -> InvalidInput:
    return InvalidInput(
        "form.field",
        "Nothing was saved. Correct the marked field and send the form again.",
        [{"pointer": f"/{name}", "message": message}],
    )
