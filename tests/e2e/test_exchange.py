"""An application from picking items to the acknowledged file, by clicking as each person; then its evidence."""

import base64
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Page, expect
from sqlalchemy import select

from adapters.database import transaction
from adapters.settings import Settings
from adapters.work import Work, WorkState
from tests.e2e.conftest import ROOT
from tests.e2e.world import ROWS, SECRET_NUMBER, Look, PageAs, World, made_world, send

AGREED = ("credit_code", "entity_name", "legal_person")
REFUSED = "phone"


@pytest.fixture(scope="module")
def stage(portal_settings: Settings) -> World:
    """Everything that came before the application."""
    return made_world(portal_settings, "x")


def apply(page: Page, stage: World) -> str:
    """Pick items from the entry's page, save the draft, generate the form; the application's address."""
    page.goto(f"/catalogue/{stage.resource}")
    page.locator(f"a[href$='version={stage.version}']").click()
    expect(page.locator("input[name=items][value=division], input[name=items][value=inner_note]")).to_have_count(0)
    for name in (*AGREED, REFUSED):
        page.check(f"input[name=items][value={name}]")
    page.fill("#field-scope", "征管科")
    page.fill("#field-purpose", "核对纳税人登记信息")
    page.fill("#field-duty", "《税收征收管理法》第六条")
    send(page)
    address = page.url
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("form[action$='/form'] button").click()
    expect(page.locator("article.paper")).to_contain_text("核对纳税人登记信息")
    return address


def answer(page: Page, address: str) -> None:
    """Agree to three items and refuse one; without a basis the refusal is not taken, and nothing typed is lost."""
    page.goto(f"{address}?step=answer")
    page.fill("#field-reason", "同意提供三项,一项依法不予提供。")
    for position in range(len(AGREED)):
        page.fill(f"[name=items-{position}-reason]", "履职确需")
    last = len(AGREED)
    page.check(f"input[name=items-{last}-decision][value=REFUSED]")
    page.fill(f"[name=items-{last}-reason]", "个人信息保护")
    page.locator("main form.hub-form button[type=submit]").click()
    expect(page.locator(f"#wrong-items-{last}-basis-document")).to_be_visible()
    expect(page.locator(f"[name=items-{last}-reason]")).to_have_value("个人信息保护")
    page.select_option(f"[name=items-{last}-basis-kind]", "LAW")
    page.fill(f"[name=items-{last}-basis-document]", "中华人民共和国个人信息保护法")
    page.fill(f"[name=items-{last}-basis-number]", "主席令第91号")
    page.fill(f"[name=items-{last}-basis-article]", "第二十八条")
    send(page)


def sign(page: Page, address: str, key: Ed25519PrivateKey) -> None:
    """Download the exact text and give the agency's signature over it."""
    text = page.request.get(f"{address}/text").body()
    page.goto(address)
    page.fill("#field-signature", base64.b64encode(key.sign(text)).decode())
    send(page)


def prepare(settings: Settings, services: dict[str, str]) -> None:
    """Do what Airflow's task does: run the step of the work that waits, in a process of its own."""
    with transaction(settings.app_database_url) as session:
        waiting = select(Work.id).where(Work.kind == "deliver", Work.state == WorkState.WAITING)
        works = list(session.scalars(waiting))
    assert works
    for work in works:
        command = [sys.executable, "-m", "portal.cli.main", "step", "deliver", str(work)]
        subprocess.run(
            command, check=True, cwd=ROOT, env={**services, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        )


def test_from_application_to_evidence(
    stage: World, page_as: PageAs, look: Look, portal_settings: Settings, services: dict[str, str], tmp_path: Path
) -> None:
    sun, zhao = page_as("x-sun"), page_as("x-zhao")
    look(sun, "exchange-requester-desk-empty")
    application = apply(sun, stage)
    look(sun, "exchange-form")
    sun.goto(f"{application}?step=record_hand_over")
    sun.fill("#field-proof", "机要交换第118号")
    send(sun)
    zhao.goto(f"{application}?step=register_receipt")
    send(zhao)
    expect(zhao.locator(".deadline-left").first).to_contain_text("10")
    look(zhao, "exchange-received")
    answer(zhao, application)
    zhao.goto(f"{application}?tab=after")
    agreement = zhao.locator("main td a[href*='/agreements/']").first.get_attribute("href") or ""
    for login in ("x-qian", "x-li"):
        signatory = page_as(login)
        sign(signatory, agreement, stage.keys[login.removeprefix("x-")])
        look(signatory, f"exchange-agreement-{login}")
    grant = take_data(sun, application, look)
    deliver(sun, grant, look, portal_settings, services, tmp_path)
    coordinate(application, page_as, sun, zhao, look)
    prove(application, page_as, look, stage)


def take_data(page: Page, application: str, look: Look) -> str:
    """Look at rows without a copy; the refused item is nowhere. Returns the grant's address."""
    page.goto(f"{application}?tab=after")
    grant = page.locator("main td a[href*='/grants/']").first.get_attribute("href") or ""
    page.goto(grant)
    look(page, "exchange-grant")
    page.goto(grant.replace("/grants/", "/browse/"))
    page.fill("#field-matter", "办件-2026-0012")
    send(page)
    expect(page.locator(".browse-rows tbody tr")).to_have_count(50)
    expect(page.locator("svg.watermark")).to_contain_text("孙伟")
    assert SECRET_NUMBER not in page.content()
    look(page, "exchange-browse")
    page.locator(".browse-next button").first.click()
    expect(page.locator(".browse-rows tbody tr")).to_have_count(ROWS - 50)
    return grant


def deliver(page: Page, grant: str, look: Look, settings: Settings, services: dict[str, str], folder: Path) -> None:
    """Ask for a CSV file, see it become ready, fetch it whole and in part, acknowledge it."""
    page.goto(f"/deliveries/new?grant={grant.rpartition('/')[2]}")
    page.check("input[name=format][value=CSV]")
    page.fill("#field-matter", "办件-2026-0012")
    send(page)
    delivery = page.url
    expect(page.locator("progress")).to_be_visible()
    look(page, "exchange-delivery-asked")
    prepare(settings, services)
    expect(page.locator("#signed-address")).to_be_visible(timeout=20_000)
    address = page.locator("#signed-address").input_value()
    look(page, "exchange-delivery-ready")
    with page.expect_download() as started:
        page.locator("a[href*='/files/']").click()
    started.value.save_as(folder / "file.csv")
    data = (folder / "file.csv").read_bytes()
    assert data.count(b"\n") == ROWS + 1
    assert SECRET_NUMBER.encode() not in data
    stranger = page.context.browser.new_context() if page.context.browser else None
    assert stranger is not None
    part = stranger.request.get(address, headers={"Range": "bytes=3-12"})
    assert (part.status, part.body()) == (206, data[3:13])
    assert stranger.request.get(address.replace("token=", "token=0")).status == 403
    stranger.close()
    page.goto(f"{delivery}?step=acknowledge")
    page.fill("#field-sha256", hashlib.sha256(b"other").hexdigest())
    page.locator("main form.hub-form button[type=submit]").click()
    expect(page.locator("#wrong-sha256")).to_be_visible()
    page.fill("#field-sha256", hashlib.sha256(data).hexdigest())
    send(page)
    look(page, "exchange-delivery-acknowledged")


def coordinate(application: str, page_as: PageAs, sun: Page, zhao: Page, look: Look) -> None:
    """The requester objects, both sides speak, the office directs a new answer."""
    sun.goto(f"{application}?step=raise_dispute")
    sun.fill("#field-text", "联系电话为核对所必需,请求协调。")
    send(sun)
    zheng = page_as("x-zheng")
    look(zheng, "exchange-coordinator-desk")
    zheng.locator(".desk-list a[href*='/disputes/']").first.click()
    zheng.wait_for_url(re.compile(r"/disputes/[0-9a-f-]{36}"))
    dispute = zheng.url
    zhao.goto(f"{dispute}?step=state")
    zhao.fill("#field-text", "依法不能提供。")
    send(zhao)
    zheng.goto(f"{dispute}?step=conclude")
    look(zheng, "exchange-dispute")
    zheng.check("input[name=outcome][value=ANSWER_ANEW]")
    zheng.fill("#field-text", "可掩码提供,请重新答复。")
    send(zheng)
    zhao.goto(application)
    expect(zhao.locator("a[href*='step=answer']")).to_be_visible()


def prove(application: str, page_as: PageAs, look: Look, stage: World) -> None:
    """The auditor finds the case, opens an entry and downloads its proof."""
    stage.number_entries()
    feng = page_as("x-feng")
    look(feng, "exchange-auditor-desk")
    feng.goto(f"/evidence/?matter=application/{application.rpartition('/')[2]}")
    said = feng.locator("tbody").inner_text()
    for title in ("申请起草", "书面件收讫", "申请已答复", "协议签署", "授权生效", "数据交出", "交付回执", "协调结论"):
        assert title in said, title
    look(feng, "exchange-evidence")
    feng.locator("tbody a[href*='/evidence/']").first.click()
    feng.wait_for_url(re.compile(r"/evidence/[0-9a-f-]{36}"))
    look(feng, "exchange-entry")
    proof = feng.request.get(f"{feng.url}/proof")
    assert (proof.status, proof.text().splitlines()[0]) == (200, "c2sp.org/tlog-proof@v1")


@pytest.mark.parametrize("login", ["x-zhao", "x-sun", "x-zheng", "x-feng"])
def test_desks_and_lists_in_english(stage: World, page_as: PageAs, look: Look, login: str) -> None:
    page = page_as(login, language="en")
    for path in ("/", "/applications/", "/grants/?view=standing", "/disputes/", "/evidence/"):
        page.goto(path)
        look(page, f"exchange-{login}-{path.strip('/').partition('/')[0] or 'desk'}-en")
        assert not re.search(r"[\u4e00-\u9fff]", page.locator("h1").inner_text())
