"""Lists are read page by page, by key and not by offset, so that a page stays cheap and nothing is shown twice."""

import base64
import binascii
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from adapters.errors import InvalidInput

T = TypeVar("T")
Column = ColumnElement[Any] | InstrumentedAttribute[Any]
LARGEST_PAGE = 200
USUAL_PAGE = 50
_LARGEST_NUMBER = 2**63


class UnknownPlace(InvalidInput):
    """The cursor stands for no place in the list, so the request cannot be read."""

    status = 400


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list, and the cursor that asks for those after them; None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def page_of(
    session: Session,
    statement: Select[T],
    order: Sequence[Column],
    *,
    cursor: str | None = None,
    limit: int = USUAL_PAGE,
    descending: bool = False,
) -> Page[T]:
    """Read one page of a list.

    Args:
        statement: selects one entity or column; it has its conditions, and no order or limit.
        order: columns that order the list and together tell any two rows apart; none may be NULL.
        cursor: ``next_cursor`` of the page before, from the same list; None or empty for the first page.
        limit: items wanted, 1 to 200; more gives 200.
        descending: the greatest first.

    Raises:
        UnknownPlace: the cursor is not one of this list's.
    """
    limit = min(max(limit, 1), LARGEST_PAGE)
    place = tuple_(*order)
    if cursor:
        after = tuple_(*decode_cursor(cursor, [_kind(column) for column in order]))
        statement = statement.where(place < after if descending else place > after)
    ordered = statement.order_by(*(column.desc() if descending else column.asc() for column in order))
    rows = session.execute(ordered.add_columns(*order).limit(limit + 1)).all()
    more = encode_cursor(rows[limit - 1][1:]) if len(rows) > limit else None
    return Page(tuple(row[0] for row in rows[:limit]), more)


def encode_cursor(values: Sequence[Any]) -> str:
    """The cursor that stands for a row's order values; opaque to callers, free of secrets."""
    texts = [value.isoformat() if isinstance(value, date) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(texts, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The order values that a cursor stands for.

    Args:
        cursor: what ``encode_cursor`` made.
        kinds: the Python type of each value: ``str``, ``int``, ``uuid.UUID``, ``date`` or ``datetime``.

    Raises:
        UnknownPlace: it is not such a cursor.
    """
    try:
        texts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("not a list of texts")
        return [_value(text, kind) for text, kind in zip(texts, kinds, strict=True)]
    except (ValueError, binascii.Error, RecursionError) as error:
        raise UnknownPlace(
            "paging.cursor", "This cursor belongs to no list. Start again from the first page, without a cursor."
        ) from error


def _kind(column: Column) -> type:
    return column.type.python_type


def _value(text: str, kind: type) -> Any:
    if kind is str:
        text.encode()
        if "\x00" in text:
            raise ValueError("zero byte")
        return text
    if kind is int:
        number = int(text)
        if abs(number) >= _LARGEST_NUMBER:
            raise ValueError("out of bounds")
        return number
    if kind is uuid.UUID:
        return uuid.UUID(text)
    if kind is datetime:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment
    if kind is date:
        return date.fromisoformat(text)
    raise TypeError(f"Lists cannot be ordered by {kind.__name__}.")
