"""Lists as files: CSV and XLSX of what is shown."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO, StringIO
from typing import TypeVar
from urllib.parse import quote

from flask import Response, request
from openpyxl import Workbook

from adapters.errors import InvalidInput
from adapters.paging import Page

MAXIMUM_ROWS = 100_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
T = TypeVar("T")
Cell = str | int | float | None


def wanted_export() -> str:
    """The query field ``export``: "csv", "xlsx" or "" for the page itself.

    Raises:
        InvalidInput: it is something else.
    """
    wanted = request.args.get("export", "")
    if wanted not in {"", "csv", "xlsx"}:
        raise InvalidInput("export.unknown", "Lists come as csv or xlsx. Choose one of the two.")
    return wanted


def every(read: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """All items of a list, page by page, at most 100,000.

    Args:
        read: gives the page after a cursor.
    """
    cursor, count = None, 0
    while count < MAXIMUM_ROWS:
        page = read(cursor)
        yield from page.items
        cursor, count = page.next_cursor, count + len(page.items)
        if cursor is None:
            return


def export(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The list as the file that the query field ``export`` asks for, at most 100,000 rows.

    Text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection).

    Args:
        name: file name without ending; may be Chinese.
        heads: translated column heads.
        rows: cells in the heads' order; dates already as text.
    """
    lines = [[_harmless(cell) for cell in row] for _, row in zip(range(MAXIMUM_ROWS), rows, strict=False)]
    if wanted_export() == "xlsx":
        return _file(_xlsx(heads, lines), f"{name}.xlsx", _SHEET)
    return _file(_csv(heads, lines), f"{name}.csv", "text/csv; charset=utf-8")


def _csv(heads: Sequence[str], lines: list[list[Cell]]) -> bytes:
    """RFC 4180, UTF-8 with a byte order mark, which spreadsheets need for Chinese."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows(lines)
    return text.getvalue().encode("utf-8-sig")


def _xlsx(heads: Sequence[str], lines: list[list[Cell]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("1")
    sheet.freeze_panes = "A2"
    sheet.append(list(heads))
    for line in lines:
        sheet.append(line)
    data = BytesIO()
    book.save(data)
    return data.getvalue()


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    printable = "".join(character for character in cell if character >= " " or character in "\n\t")
    return f"'{printable}" if printable.startswith(_FORMULA) else printable


def _file(data: bytes, name: str, kind: str) -> Response:
    answer = Response(data, content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer
