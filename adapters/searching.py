"""Looking for a piece of text inside a column, with every character meaning itself."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

LONGEST = 100


def contains(
    column: ColumnElement[Any] | InstrumentedAttribute[Any], text: str, *, folded: bool = False
) -> ColumnElement[bool]:
    """The condition that a column contains a text, in capital or small letters; at most 100 characters count.

    Works for Chinese, which has no spaces between words.

    Args:
        folded: the column holds small letters already (``str.casefold``), so that the quicker comparison will do.
    """
    wanted = text.replace("\x00", "").strip()[:LONGEST]
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if folded:
        return column.like(f"%{escaped.casefold()}%", escape="\\")
    return column.ilike(f"%{escaped}%", escape="\\")
