"""Reading an offline workbook: a file that strangers sent becomes entries and items with their places, or problems.

Nothing is believed: the file must be an .xlsx of bounded size when unpacked, without document types (entities), and of
bounded sheets, rows and columns; a formula is no value.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from adapters.errors import InvalidInput, Sentence, TooLarge
from directory.catalogue.workbook_columns import (
    BASIS,
    ENTRIES,
    ITEMS,
    NUMBER,
    Column,
    entry_columns,
    item_columns,
)

MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 32 * 1024 * 1024
MOST_MEMBERS = 500
MOST_SHEETS = 10
MOST_ROWS = 5_000
MOST_COLUMNS = 60
MOST_ENTRIES = 100
MOST_PROBLEMS = 500
_OLD_FORMAT = b"\xd0\xcf\x11\xe0"
_SEPARATOR = re.compile(r"[,，、;；\n]+")
_FLAGS = {"是": True, "true": True, "yes": True, "y": True, "1": True} | {
    "否": False, "false": False, "no": False, "n": False, "0": False
}  # fmt: skip

Problem = dict[str, str]


@dataclass
class Written:
    """One entry of the workbook with its items, and the rows where they stand."""

    row: int
    entry: dict[str, Any]
    items: list[dict[str, Any]] = field(default_factory=list)
    item_rows: list[int] = field(default_factory=list)


@dataclass
class Book:
    """What a workbook says: entries in order, problems found while reading, and each sheet's columns by key."""

    entries: list[Written] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    letters: dict[str, dict[str, str]] = field(default_factory=dict)

    def problem(self, sheet: str, row: int, key: str, message: str, code: str) -> None:
        """Note that something is wrong in a cell, or in a whole row where ``key`` has no column."""
        if len(self.problems) < MOST_PROBLEMS:
            column = self.letters.get(sheet, {}).get(key, "")
            place = {"pointer": f"/{sheet}/{row}/{column}", "sheet": sheet, "row": str(row), "column": column}
            self.problems.append(place | {"code": code, "message": message})


def read_workbook(data: bytes) -> Book:
    """Read a workbook that was filled in from the template.

    Raises:
        InvalidInput: it is no workbook, or not one of this template.
        TooLarge: it is, packed or unpacked, more than an import takes.
    """
    _check_package(data)
    try:
        sheets = _sheets(data)
    except (InvalidInput, TooLarge):
        raise
    except Exception as error:  # whatever a stranger's file makes its reader raise is the file's fault
        raise _no_workbook() from error
    book = Book()
    entries = _rows(book, ENTRIES, sheets[ENTRIES], entry_columns())
    items = _rows(book, ITEMS, sheets[ITEMS], item_columns())
    if not book.problems:
        _join(book, entries, items)
    return book


def _check_package(data: bytes) -> None:
    """Look at the packed file before anything unpacks it."""
    if len(data) > MOST_BYTES:
        raise _too_large()
    if data.startswith(_OLD_FORMAT):
        raise InvalidInput(
            "workbook.old",
            "This is a workbook of the old kind (.xls) or one with a password. Save it as .xlsx without a password.",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = package.infolist()
            if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
                raise _too_large()
            if not {"[Content_Types].xml", "xl/workbook.xml"} <= {member.filename for member in members}:
                raise _no_workbook()
            for member in members:
                if b"<!DOCTYPE" in package.read(member):
                    raise _no_workbook()
    except (InvalidInput, TooLarge):
        raise
    except Exception as error:  # as above: damaged, encrypted, packed in a way that nobody knows
        raise _no_workbook() from error


def _sheets(data: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """The cells of the two sheets, read as a stream."""
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    try:
        if len(book.sheetnames) > MOST_SHEETS:
            raise _too_large()
        missing = [name for name in (ENTRIES, ITEMS) if name not in book.sheetnames]
        if missing:
            raise InvalidInput(
                "workbook.sheets",
                "The workbook has no sheet {names}. Download the template again and fill it in.",
                names=", ".join(missing),
            )
        return {name: list(_bounded(book[name].iter_rows(max_col=MOST_COLUMNS))) for name in (ENTRIES, ITEMS)}
    finally:
        book.close()


def _bounded(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            raise _too_large()
        yield row


def _rows(
    book: Book, sheet: str, rows: Sequence[tuple[Any, ...]], columns: Sequence[Column]
) -> list[tuple[int, dict[str, Any]]]:
    """The filled rows below the headers, as values by key."""
    known = {title.casefold(): column for column in columns for title in column.titles}
    heads = [str(cell.value or "").strip() for cell in rows[0]] if rows else []
    places = {known[head.casefold()].key: at for at, head in enumerate(heads) if head.casefold() in known}
    book.letters[sheet] = {key: get_column_letter(at + 1) for key, at in places.items()}
    for at, head in enumerate(heads):
        column = known.get(head.casefold())
        if head and (column is None or places[column.key] != at):
            message = "The column {letter}, {head}, is not one of the template's, or stands there twice. Take it out."
            said = Sentence(message, letter=get_column_letter(at + 1), head=head[:60])
            book.problem(sheet, 1, "", said, "workbook.column")
    for column in columns:
        if column.required and column.key not in places:
            message = "The column {title} is missing. Download the template again and fill it in."
            book.problem(sheet, 1, "", Sentence(message, title=f"{column.zh} / {column.en}"), "workbook.column")
    found = []
    for number, row in enumerate(rows[1:], start=2):
        filled = {column.key: row[places[column.key]] for column in columns if _filled(row, places.get(column.key))}
        if filled and not _is_header(filled, columns):
            values = {c.key: _value(book, sheet, number, c, filled[c.key]) for c in columns if c.key in filled}
            found.append((number, values))
    return found


def _filled(row: tuple[Any, ...], at: int | None) -> bool:
    if at is None or at >= len(row):
        return False
    value = row[at].value
    return value is not None and str(value).strip() != ""


def _is_header(filled: dict[str, Any], columns: Sequence[Column]) -> bool:
    """The second line of headers, in the other language."""
    return all(str(filled[c.key].value).strip() in c.titles for c in columns if c.key in filled)


def _value(book: Book, sheet: str, row: int, column: Column, cell: Any) -> Any:
    """What a cell says in the shape that the catalogue's checks take; what cannot be read is passed on as text."""
    if cell.data_type in ("f", "e"):
        message = "This cell holds a formula or an error. Enter the value itself."
        book.problem(sheet, row, column.key, message, "workbook.formula")
        return None
    text = _text(cell.value)
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        message = "This cell holds characters that cannot be stored. Type it anew."
        book.problem(sheet, row, column.key, message, "workbook.characters")
        return None
    if column.kind in ("texts", "codes"):
        words = [word.strip() for word in _SEPARATOR.split(text) if word.strip()]
        return [_code(column, word) for word in words]
    if column.kind == "code":
        return _code(column, text)
    if column.kind == "number":
        return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else text
    if column.kind == "flag":
        return _FLAGS.get(text.casefold(), text)
    return text


def _text(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _code(column: Column, text: str) -> str:
    """The code that a word in either language stands for; any other text as it is, so that the checks name it."""
    wanted = text.casefold()
    for code, words in (column.words or {}).items():
        if wanted in (code.casefold(), *(word.casefold() for word in words)):
            return code
    return text


def _join(book: Book, entries: list[tuple[int, dict[str, Any]]], items: list[tuple[int, dict[str, Any]]]) -> None:
    """Put the items to their entries."""
    if not entries:
        message = "The sheet has no entry. Fill in a row for each."
        book.problem(ENTRIES, 3, "", message, "workbook.empty")
    by_number: dict[str, Written] = {}
    for row, values in entries:
        number = str(values.pop(NUMBER, "") or "")
        if not number or number in by_number:
            message = "Each entry needs an entry number of its own. Number the rows 1, 2, 3."
            book.problem(ENTRIES, row, NUMBER, message, "workbook.number")
            continue
        by_number[number] = Written(row, values)
    if len(by_number) > MOST_ENTRIES:
        raise _too_large()
    for row, values in items:
        written = by_number.get(str(values.pop(NUMBER, "") or ""))
        if written is None:
            message = "No entry has this entry number. Enter the number of the entry that the item belongs to."
            book.problem(ITEMS, row, NUMBER, message, "workbook.number")
            continue
        basis = {key.removeprefix(BASIS): values.pop(key) for key in list(values) if key.startswith(BASIS)}
        written.items.append(values | {"position": len(written.items) + 1, "basis": basis or None})
        written.item_rows.append(row)
    book.entries = list(by_number.values())


def _no_workbook() -> InvalidInput:
    return InvalidInput(
        "workbook.none", "This file is no workbook (.xlsx). Nothing was kept. Choose the template that you filled in."
    )


def _too_large() -> TooLarge:
    return TooLarge(
        "workbook.too_large",
        "The workbook is too large: at most {megabytes} MB, {rows} rows a sheet and {entries} entries. Divide it.",
        megabytes=MOST_BYTES // 2**20,
        rows=MOST_ROWS,
        entries=MOST_ENTRIES,
    )
