"""Lists as files: CSV and XLSX of what is shown; that somebody took one is an entry of evidence (R51)."""

import csv
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO, TextIOWrapper
from typing import IO, TypeVar
from urllib.parse import quote

from flask import Response, request
from openpyxl import Workbook

from adapters.errors import InvalidInput
from adapters.paging import Page
from audit.append import append
from portal.access import current_actor
from portal.edge import current_session, keep_changes
from schemas.canonical import sha256_hex

MAXIMUM_ROWS = 100_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
T = TypeVar("T")
Cell = str | int | float | None


def wanted_export() -> str:
    """The query field ``export``: "csv", "xlsx" or "" for the page itself, and for who asks for its head alone.

    Raises:
        InvalidInput: it is something else.
    """
    wanted = request.args.get("export", "") if request.method != "HEAD" else ""
    if wanted not in {"", "csv", "xlsx"}:
        raise InvalidInput("export.unknown", "Lists come as csv or xlsx. Choose one of the two.")
    return wanted


def every(read: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """All items of a list, page by page, until 100,000 are exceeded.

    Args:
        read: gives the page after a cursor.
    """
    cursor, count = None, 0
    while count <= MAXIMUM_ROWS:
        page = read(cursor)
        yield from page.items
        cursor, count = page.next_cursor, count + len(page.items)
        if cursor is None:
            return


def export(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The list as the file that the query field ``export`` asks for, at most 100,000 rows.

    Its entry is committed before the file leaves: which list, how many rows, and, encrypted, what was asked and the
    file's digest, by which a list of few rows is found by trying.
    Text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection).

    Args:
        name: file name without ending; may be Chinese.
        heads: translated column heads.
        rows: cells in the heads' order; dates already as text.
    """
    answer, count = file_of(name, heads, rows)
    asked = {field: values for field, values in request.args.lists() if field != "export"}
    append(
        current_session(),
        "list.exported",
        f"export/{uuid.uuid4()}",
        current_actor(),
        after={
            "list": request.endpoint,
            "format": wanted_export() or "csv",
            "rows": count,
        },
        personal={"asked": asked, "sha256": sha256_hex(answer.get_data())},
    )
    keep_changes()
    return answer


def file_of(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> tuple[Response, int]:
    """The file of ``export``, of which nothing is recorded, and how many rows it has."""
    data, form = BytesIO(), wanted_export() or "csv"
    count = write_rows(data, form, heads, (row for _, row in zip(range(MAXIMUM_ROWS), rows, strict=False)))
    kind = _SHEET if form == "xlsx" else "text/csv; charset=utf-8"
    return _file(data.getvalue(), f"{name}.{form}", kind), count


def write_rows(out: IO[bytes], kind: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Write a list as a file, row by row, with what a spreadsheet would take for a formula made harmless.

    CSV is RFC 4180 in UTF-8 with a byte order mark, which spreadsheets need for Chinese.

    Args:
        kind: "xlsx"; anything else is CSV.

    Returns:
        how many rows.
    """
    count = 0

    def harmless() -> Iterator[list[Cell]]:
        nonlocal count
        for row in rows:
            count += 1
            yield [_harmless(cell) for cell in row]

    if kind == "xlsx":
        _write_xlsx(out, heads, harmless())
    else:
        text = TextIOWrapper(out, "utf-8-sig", newline="")
        writer = csv.writer(text)
        writer.writerow(heads)
        writer.writerows(harmless())
        text.detach()
    return count


def _write_xlsx(out: IO[bytes], heads: Sequence[str], lines: Iterable[list[Cell]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("1")
    sheet.freeze_panes = "A2"
    sheet.append(list(heads))
    for line in lines:
        sheet.append(line)
    book.save(out)


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    printable = "".join(character for character in cell if character >= " " or character in "\n\t")
    return f"'{printable}" if printable.startswith(_FORMULA) else printable


def _file(data: bytes, name: str, kind: str) -> Response:
    answer = Response(data, content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer
