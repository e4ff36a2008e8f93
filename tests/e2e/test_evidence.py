"""Evidence by clicking: who opens personal details and what that leaves behind; lists taken out as files."""

import csv
import io
import re
import zipfile

import pytest
from playwright.sync_api import Page, expect

from adapters.settings import Settings
from tests.e2e.world import Look, PageAs, World, made_world

REASON = "信访件核查〔2026〕17号"


@pytest.fixture(scope="module")
def world(portal_settings: Settings) -> World:
    return made_world(portal_settings, "e")


def taken_out(page: Page, name: str) -> bytes:
    """The file behind one of the links beside 导出."""
    with page.expect_download() as started:
        page.locator(".exports").get_by_role("link", name=name).click()
    return started.value.path().read_bytes()


def rows_of(data: bytes) -> list[list[str]]:
    """A CSV file that a spreadsheet opens as UTF-8."""
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def signed(data: bytes, name: str) -> bytes:
    """The rows of a signed file."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return file.read(name)


def test_personal_details_are_opened_by_the_auditor_alone_and_that_is_an_entry(
    world: World, page_as: PageAs, look: Look
) -> None:
    case = world.received().rpartition("/")[2]
    world.number_entries()
    feng, sun = page_as(world.login("feng")), page_as(world.login("sun"))
    listed = f"/evidence/?matter=application/{case}&kind=application.received"
    feng.goto(listed)
    feng.locator("tbody a[href^='/evidence/']").first.click()
    feng.wait_for_url(re.compile(r"/evidence/[0-9a-f-]{36}"))
    entry = feng.url
    expect(feng.get_by_text("《上海市政务数据资源共享管理办法》第15条", exact=True)).to_be_visible()
    assert re.search(r">\d{4}-\d\d-\d\d \d\d:\d\d</time>", feng.locator("dt:has-text('案件时钟') + dd").inner_html())
    feng.get_by_role("button", name="打开", exact=True).click()
    expect(feng.locator(".alert-danger")).to_be_visible()
    feng.fill("#field-reason", REASON)
    feng.get_by_role("button", name="打开", exact=True).click()
    expect(feng.get_by_text("192.0.2.7")).to_be_visible()
    look(feng, "evidence-personal-zh")

    feng.goto(f"/evidence/?kind=evidence.personal_viewed&subject=evidence/{entry.rpartition('/')[2]}")
    feng.locator("tbody a[href^='/evidence/']").first.click()
    expect(feng.get_by_role("heading", level=1)).to_be_visible()
    assert REASON not in feng.content()
    feng.fill("#field-reason", "复核")
    feng.get_by_role("button", name="打开", exact=True).click()
    expect(feng.get_by_text(REASON)).to_be_visible()

    sun.goto(entry)
    expect(sun.get_by_role("heading", level=1)).to_contain_text("书面件收讫")
    expect(sun.locator("#field-reason")).to_have_count(0)
    assert "192.0.2.7" not in sun.content()
    token = sun.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    answer = sun.request.post(f"{entry}/personal", form={"csrf_token": token, "reason": REASON})
    assert (answer.status, "192.0.2.7" in answer.text()) == (403, False)


def test_evidence_is_taken_out_as_it_is_shown(world: World, page_as: PageAs) -> None:
    case = world.received().rpartition("/")[2]
    world.number_entries()
    feng = page_as(world.login("feng"))
    feng.goto("/evidence/")
    feng.fill("#field-matter", f"application/{case}")
    feng.get_by_role("button", name="检索").last.click()
    shown = feng.locator("tbody tr").count()
    rows = rows_of(signed(taken_out(feng, "CSV"), "rows.csv"))
    assert len(rows) == shown + 1
    assert {row[2] for row in rows[1:]} == {"申请起草", "已生成申请表", "书面件收讫"}
    assert {row[9] for row in rows[1:]} == {f"application/{case}"}
    with zipfile.ZipFile(io.BytesIO(signed(taken_out(feng, "XLSX"), "rows.xlsx"))) as book:
        assert "xl/workbook.xml" in book.namelist()


def test_applications_are_taken_out_as_they_are_shown(world: World, page_as: PageAs) -> None:
    world.answered(("credit_code",), ("entity_name",))
    world.handed_over()
    sun = page_as(world.login("sun"))
    sun.goto("/applications/?state=FORM_GENERATED")
    shown = sun.locator("main tbody tr").count()
    rows = rows_of(taken_out(sun, "CSV"))
    assert len(rows) == shown + 1
    assert {(row[3], row[5]) for row in rows[1:]} == {("法人单位登记信息", "已生成申请表")}


def test_the_auditors_desk_counts_every_refusal(world: World, page_as: PageAs) -> None:
    wu, feng = page_as(world.login("wu")), page_as(world.login("feng"))
    case = world.received()
    for _ in range(11):
        assert wu.request.get(case).status == 403
    feng.goto("/")
    section = feng.locator("section.card", has=feng.get_by_role("heading", name="近30日的拒绝"))
    expect(section.locator("li")).to_have_count(10)
    assert int(section.locator(".count").inner_text()) >= 11


def test_the_auditor_names_an_agency_by_what_it_is_called(world: World, page_as: PageAs, look: Look) -> None:
    feng = page_as(world.login("feng"))
    for here, button in (("/evidence/", "检索"), ("/evidence/taken", "查看")):
        feng.goto(here)
        feng.fill("#field-agency", world.actors["wu"].agency_code)
        feng.get_by_role("button", name=button).last.click()
        expect(feng.locator("#field-agency")).to_have_value(re.compile(r"^公安局 · \w+$"))
        feng.fill("#field-agency", "局")
        feng.get_by_role("button", name=button).last.click()
        look(feng, f"evidence-agencies-{here.rpartition('/')[2] or 'search'}-zh")
        feng.locator(".alert-link", has_text="税务局").first.click()
        expect(feng.locator("#field-agency")).to_have_value(re.compile(r"^税务局 · \w+$"))
