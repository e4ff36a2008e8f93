"""Importing a workbook by clicking: the template is downloaded, filled in, refused by row, mended and taken."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from adapters.database import transaction
from adapters.settings import Settings
from directory.catalogue.workbook_columns import ENTRIES, ITEMS, entry_columns, item_columns
from directory.people.roles import Role
from tests import factories
from tests.integration.directory.test_import_workbook import ENTRY, ITEM, OTHER

PageAs = Callable[..., Page]
Look = Callable[[Page, str], None]
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def login(portal_settings: Settings) -> str:
    """A bureau's compiler."""
    with transaction(portal_settings.app_database_url) as session:
        bureau = factories.agency(session, "统计局")
        person = factories.person(session, bureau, Role.COMPILER, name="何静")
        return factories.account(session, person, "workbook-compiler").login


def send(page: Page, name: str, data: bytes) -> None:
    """Choose a file and send the form."""
    page.locator("[name=file]").set_input_files({"name": name, "mimeType": SHEET, "buffer": data})
    with page.expect_navigation():
        page.locator("#workbook button[type=submit]").click()


def with_rows(template: bytes, **changes: str) -> bytes:
    """The downloaded template, with two entries; the second with changes."""
    book = load_workbook(io.BytesIO(template))
    second = ENTRY | {"number": 2, "name": "法人年报信息"} | changes
    for name, columns, rows in (
        (ENTRIES, entry_columns(), [ENTRY, second]),
        (ITEMS, item_columns(), [ITEM, OTHER, ITEM | {"number": 2}]),
    ):
        for row in rows:
            book[name].append([row.get(column.key) for column in columns])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_a_workbook_is_refused_by_row_mended_and_becomes_drafts(
    page_as: PageAs, look: Look, login: str, language: str
) -> None:
    page = page_as(login, language=language)
    page.goto("/compile/new")
    page.locator(".page-actions a").click()
    with page.expect_download() as download:
        page.locator(".page-actions a").click()
    template = Path(download.value.path()).read_bytes()
    look(page, f"workbook-{language}")

    send(page, "目录.xlsx", b"this is text")
    expect(page.get_by_role("alert")).to_contain_text(".xlsx")
    send(page, "目录.xlsx", with_rows(template, update_cycle="有时"))
    report = page.locator("#report ~ * tbody tr, #report ~ .table-frame tbody tr")
    expect(report).to_have_count(1)
    expect(report).to_contain_text("J")
    expect(report).to_contain_text("有时")
    look(page, f"workbook-report-{language}")
    send(page, "目录.xlsx", with_rows(template))
    expect(page).to_have_url(re.compile("drafted="))
    expect(page.locator("tbody tr")).to_have_count(2)
    look(page, f"workbook-drafts-{language}")
    page.get_by_role("link", name="法人年报信息").click()
    expect(page.locator("h1")).to_contain_text("法人年报信息")
