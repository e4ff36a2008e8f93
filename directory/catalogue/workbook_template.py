"""The offline template: an empty workbook with headers in both languages and lists to choose codes from."""

from collections.abc import Sequence
from io import BytesIO

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from directory.catalogue.workbook_columns import CODES, ENTRIES, ITEMS, Column, entry_columns, item_columns

FILLED_ROWS = 2_000
_REQUIRED = PatternFill("solid", fgColor="FFF2CC")


def workbook_template() -> bytes:
    """The template as a file: two sheets to fill in, and one with every code in both languages."""
    book = Workbook()
    codes = book.create_sheet(CODES)
    for title, columns in ((ITEMS, item_columns()), (ENTRIES, entry_columns())):
        _sheet(book.create_sheet(title, 0), columns, codes)
    del book["Sheet"]
    data = BytesIO()
    book.save(data)
    return data.getvalue()


def _sheet(sheet: Worksheet, columns: Sequence[Column], codes: Worksheet) -> None:
    """Chinese headers, English headers, and a list beneath each column that takes one code."""
    sheet.append([column.zh for column in columns])
    sheet.append([column.en for column in columns])
    sheet.freeze_panes = "C3"
    for at, column in enumerate(columns, start=1):
        letter = get_column_letter(at)
        sheet.column_dimensions[letter].width = max(14, len(column.zh) * 2 + 2, len(column.en) + 2)
        for row in (1, 2):
            sheet.cell(row, at).font = Font(bold=True)
            if column.required:
                sheet.cell(row, at).fill = _REQUIRED
        if column.words:
            listed = _listed(codes, column)
            if column.kind == "code":
                choice = DataValidation("list", formula1=listed, allow_blank=True)
                choice.add(f"{letter}3:{letter}{FILLED_ROWS}")
                sheet.add_data_validation(choice)


def _listed(codes: Worksheet, column: Column) -> str:
    """Write a column's codes side by side (word, English word, code); where the words stand."""
    at = codes.max_column + 2 if codes.max_column > 1 else 1
    for place, title in enumerate((column.zh, column.en, column.key)):
        codes.cell(1, at + place, title).font = Font(bold=True)
    words = column.words or {}
    for row, (code, (zh, en)) in enumerate(words.items(), start=2):
        for place, text in enumerate((zh, en, code)):
            codes.cell(row, at + place, text)
    letter = get_column_letter(at)
    return f"'{CODES}'!${letter}$2:${letter}${len(words) + 1}"
