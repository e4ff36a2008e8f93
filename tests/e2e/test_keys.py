"""An agency's keys by browser and command, a year's calendar, and the form on paper."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from adapters.settings import Settings
from tests.e2e.conftest import ROOT
from tests.e2e.world import Look, PageAs, World, made_world, send


@pytest.fixture(scope="module")
def world(portal_settings: Settings) -> World:
    return made_world(portal_settings, "k")


def shuniu(folder: Path, *words: str) -> str:
    """What a command prints that runs in a folder of the agency's, without the hub."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "portal.cli.main", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("purpose", ["SIGN", "RECEIVE"])
def test_a_key_is_proven_by_command_and_registered(
    world: World, page_as: PageAs, look: Look, tmp_path: Path, purpose: str
) -> None:
    shuniu(tmp_path, "key", "new", "--out", "keys")
    lines = (tmp_path / "keys" / "public.txt").read_text(encoding="utf-8").splitlines()
    public = dict(line.split(maxsplit=1) for line in lines)[purpose]
    page = page_as(world.login("li"))
    page.goto(f"/agencies/{world.actors['li'].agency_id}?tab=keys")
    page.select_option("#field-purpose", purpose)
    page.fill("#field-public_key", "no key")
    begin(page)
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.locator("#field-public_key")).to_have_value("no key")
    page.fill("#field-public_key", public)
    begin(page)
    challenge = page.locator("pre.challenge").inner_text()
    (tmp_path / "challenge.txt").write_text(challenge, encoding="utf-8")
    command = page.locator("main p code").inner_text().split()
    page.fill("#field-answer", "AAAA")
    page.locator("main form.hub-form button[type=submit]").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert page.locator("pre.challenge").inner_text() == challenge
    look(page, f"key-prove-{purpose.lower()}-zh")
    page.fill("#field-answer", shuniu(tmp_path, *command[1:]))
    send(page)
    fingerprint = hashlib.sha256(public.encode()).hexdigest()
    row = page.locator("tbody tr", has_text=fingerprint)
    expect(row).to_contain_text("有效")
    page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="撤销").click()
    expect(page.locator("tbody tr", has_text=fingerprint)).to_contain_text("已撤销")
    look(page, f"keys-{purpose.lower()}-zh")


def begin(page: Page) -> None:
    """Ask for the challenge."""
    page.locator("form[action='/keys/'] button[type=submit]").click()


def test_a_years_calendar_is_added(world: World, page_as: PageAs, look: Look) -> None:
    wang = page_as(world.login("wang"))
    wang.goto("/calendars/")
    wang.fill("#field-year", "2031")
    wang.fill("#field-document", "国办发明电〔2030〕9号")
    wang.fill("#field-title", "国务院办公厅关于2031年部分节假日安排的通知")
    wang.fill("#field-holidays", "2031-01-01\n2031-02-30/2031-03-02")
    wang.locator("main form.hub-form button[type=submit]").click()
    expect(wang.locator("#wrong-holidays")).to_contain_text("2031-02-30")
    expect(wang.locator("#field-title")).to_have_value(re.compile("2031"))
    look(wang, "calendar-wrong-zh")
    wang.fill("#field-holidays", "2031-01-01\n2031-10-01/2031-10-07")
    wang.fill("#field-makeup_days", "2031-09-28")
    send(wang)
    row = wang.locator("tbody tr", has_text="国办发明电〔2030〕9号")
    expect(row).to_contain_text("2031-10-01 – 2031-10-07")
    expect(row).to_contain_text("2031-09-28")
    expect(row.locator(".badge")).to_be_visible()
    look(wang, "calendar-added-zh")
    stranger = page_as(world.login("sun"))
    stranger.goto("/calendars/")
    expect(stranger.locator("#field-year")).to_have_count(0)


def test_the_form_prints_on_paper_without_the_portal_around_it(world: World, page_as: PageAs, look: Look) -> None:
    sun = page_as(world.login("sun"))
    sun.goto(f"{world.handed_over()}/form")
    around = sun.locator("header.hub-header, .page-actions, footer.footer-line")
    assert around.count() > 0
    printed = sun.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type ?/Page\b", printed)) == 1
    assert b"/FontFile" in printed
    sun.emulate_media(media="print")
    expect(sun.locator("article.paper")).to_contain_text("核对纳税人登记信息")
    for part in around.all():
        expect(part).to_be_hidden()
    look(sun, "form-print-zh")
