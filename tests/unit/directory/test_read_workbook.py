"""Reading workbooks that people filled in, and files that are none."""

import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from adapters.errors import InvalidInput, TooLarge
from directory.catalogue import read_workbook as reading
from directory.catalogue.read_workbook import read_workbook
from directory.catalogue.workbook_columns import ENTRIES, ITEMS, entry_columns, item_columns
from directory.catalogue.workbook_template import workbook_template

ENTRY = {
    "number": 1,
    "name": "法人登记信息",
    "abstract": "在本市登记的法人",
    "keywords": "法人、登记",
    "resource_class": "部门",
    "classification_code": 307004,
    "format": "Database",
    "update_cycle": "MONTHLY",
    "modes": "文件下载；在线浏览",
    "parallel_approval": "是",
}
ITEM = {"number": 1.0, "name": "名称", "field_name": "name", "length": 100, "nullable": "否", "is_key": "Y"}


def filled(
    entries: list[dict[str, Any]] | None = None, items: list[dict[str, Any]] | None = None, headers: bool = True
) -> bytes:
    """The template with these rows beneath its headers."""
    book = load_workbook(io.BytesIO(workbook_template()))
    rows = ((ENTRIES, entry_columns(), [ENTRY] if entries is None else entries),)
    for name, columns, given in (*rows, (ITEMS, item_columns(), [ITEM] if items is None else items)):
        for row in given:
            book[name].append([row.get(column.key) for column in columns])
    if not headers:
        book[ENTRIES].cell(1, 2, "别的")
    return saved(book)


def saved(book: Workbook) -> bytes:
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def packed(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name.replace("__", "/"), content)
    return data.getvalue()


def test_rows_become_entries_with_words_of_both_languages_as_codes() -> None:
    book = read_workbook(filled())
    assert book.problems == []
    (written,) = book.entries
    assert (written.row, written.item_rows) == (3, [3])
    assert written.entry == {
        "name": "法人登记信息",
        "abstract": "在本市登记的法人",
        "keywords": ["法人", "登记"],
        "resource_class": "DEPARTMENT",
        "classification_code": "307004",
        "format": "DATABASE",
        "update_cycle": "MONTHLY",
        "modes": ["FILES", "BROWSE"],
        "parallel_approval": True,
    }
    item = {"name": "名称", "field_name": "name", "length": 100, "nullable": False, "is_key": True}
    assert written.items == [item | {"position": 1, "basis": None}]


def test_what_is_not_understood_stays_as_it_was_typed_and_formulas_are_named() -> None:
    book = read_workbook(filled([ENTRY | {"update_cycle": "有时", "name": "=A1"}], [ITEM | {"length": "十"}]))
    assert [(p["sheet"], p["row"], p["column"]) for p in book.problems] == [(ENTRIES, "3", "B")]
    assert book.problems[0]["code"] == "workbook.formula"
    (written,) = read_workbook(filled([ENTRY | {"update_cycle": "有时"}], [ITEM | {"length": "十"}])).entries
    assert (written.entry["update_cycle"], written.items[0]["length"]) == ("有时", "十")


def test_items_without_an_entry_and_numbers_given_twice_are_named() -> None:
    book = read_workbook(filled([ENTRY, ENTRY], [ITEM, ITEM | {"number": 7}]))
    assert [(p["sheet"], p["row"], p["column"]) for p in book.problems] == [(ENTRIES, "4", "A"), (ITEMS, "4", "A")]


def test_wrong_headers_and_an_empty_sheet_are_named() -> None:
    assert {p["code"] for p in read_workbook(filled(headers=False)).problems} == {"workbook.column"}
    assert [p["code"] for p in read_workbook(filled([], [])).problems] == ["workbook.empty"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "workbook.none"),
        ("这是文字".encode(), "workbook.none"),
        (packed(a=b"no workbook"), "workbook.none"),
        (packed(**{"[Content_Types].xml": b"<x/>", "xl__workbook.xml": b"<!DOCTYPE x><x/>"}), "workbook.none"),
        (packed(**{"[Content_Types].xml": b"<x/>", "xl__workbook.xml": b"not xml"}), "workbook.none"),
        (filled()[:-200], "workbook.none"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "workbook.old"),
        (saved(Workbook()), "workbook.sheets"),
    ],
)
def test_a_file_that_is_no_such_workbook_is_refused_with_a_sentence(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read_workbook(data)
    assert error.value.code == code


def test_a_bomb_and_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packed(**{"[Content_Types].xml": b"<x/>", "xl__workbook.xml": b" " * (reading.MOST_UNPACKED + 1)})
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge):
        read_workbook(bomb)
    monkeypatch.setattr(reading, "MOST_ROWS", 3)
    with pytest.raises(TooLarge):
        read_workbook(filled([ENTRY, ENTRY | {"number": 2}]))
    monkeypatch.setattr(reading, "MOST_BYTES", 10)
    with pytest.raises(TooLarge):
        read_workbook(filled())
