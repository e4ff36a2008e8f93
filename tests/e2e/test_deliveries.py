"""Files and packages by clicking: asked for, fetched, opened offline, acknowledged, revoked; and a grant's life."""

import base64
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Page, expect

from adapters.settings import Settings
from tests.e2e.conftest import ROOT
from tests.e2e.world import ROWS, SECRET_NUMBER, Look, PageAs, World, badge, made_world, send


@pytest.fixture(scope="module")
def world(portal_settings: Settings) -> World:
    return made_world(portal_settings, "d")


def ask(page: Page, world: World, grant: str, kind: str) -> str:
    """Ask for a file or package from the grant's page and let it be prepared; the delivery's address."""
    page.goto(grant)
    page.get_by_role("link", name="申领数据").click()
    page.check(f"input[name=format][value={kind}]")
    page.fill("#field-matter", "办件-2026-0031")
    send(page)
    expect(page.locator("progress")).to_be_visible()
    world.prepare()
    expect(page.get_by_role("link", name="下载")).to_be_visible(timeout=20_000)
    return page.url


def download(page: Page, target: Path) -> bytes:
    """Click on the download and keep the file under its own name's ending."""
    with page.expect_download() as started:
        page.get_by_role("link", name="下载", exact=True).click()
    started.value.save_as(target)
    return target.read_bytes()


def shuniu(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, with nothing of the hub's environment."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "portal.cli.main", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def write_keys(folder: Path, world: World) -> None:
    """The requester's private keys, as ``shuniu key new`` leaves them."""
    (folder / "receive.age").write_text(f"{world.receive}\n", encoding="utf-8")
    pem = world.keys["li"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "sign.pem").write_bytes(pem)


def test_a_package_is_opened_without_the_hub_and_its_signed_receipt_acknowledges_it(
    world: World, page_as: PageAs, look: Look, tmp_path: Path
) -> None:
    sun = page_as(world.login("sun"))
    delivery = ask(sun, world, world.granted(), "PACKAGE")
    package = download(sun, tmp_path / "package.shuniu")
    write_keys(tmp_path, world)
    sun.goto(f"{delivery}?step=acknowledge")
    look(sun, "package-acknowledge-zh")
    hub_key = sun.locator("#hub-key").inner_text()
    keys = ("--receive-key", "receive.age", "--sign-key", "sign.pem")
    opened = shuniu(tmp_path, "offline", "open", "package.shuniu", "--out", "opened", "--hub-key", hub_key, *keys)
    assert opened.returncode == 0, opened.stderr
    files = {path.name: path for path in (tmp_path / "opened").iterdir()}
    table = pq.read_table(files.pop("data.parquet"))
    assert (table.column_names, table.num_rows) == (["credit_code", "entity_name"], ROWS)
    shown = [str(table.to_pylist()).encode(), *(path.read_bytes() for path in files.values())]
    assert all(b"entity" in shown[0] and SECRET_NUMBER.encode() not in told for told in shown)

    send_wrong_receipts(sun, tmp_path)
    sun.set_input_files("#field-receipt", tmp_path / "package.receipt.json")
    send(sun)
    assert badge(sun) == "已回执"
    expect(sun.get_by_text(hashlib.sha256(package).hexdigest()).first).to_be_visible()
    look(sun, "package-acknowledged-zh")


def send_wrong_receipts(page: Page, folder: Path) -> None:
    """A file that is no receipt, then one whose signature is another's: both are turned away on the same page."""
    receipt = json.loads((folder / "package.receipt.json").read_text(encoding="utf-8"))
    receipt["signature"] = base64.b64encode(bytes(64)).decode()
    (folder / "other.receipt.json").write_text(json.dumps(receipt), encoding="utf-8")
    for name in ("receive.age", "other.receipt.json"):
        page.set_input_files("#field-receipt", folder / name)
        page.locator("main form.hub-form button[type=submit]").click()
        expect(page.locator(".alert-danger").first).to_be_visible()


def test_a_parquet_file_is_fetched_and_acknowledged_by_uploading_it(
    world: World, page_as: PageAs, look: Look, tmp_path: Path
) -> None:
    sun = page_as(world.login("sun"))
    delivery = ask(sun, world, world.granted(), "PARQUET")
    data = download(sun, tmp_path / "file.parquet")
    table = pq.read_table(io.BytesIO(data))
    assert (table.column_names, table.num_rows) == (["credit_code", "entity_name"], ROWS)
    sun.goto(f"{delivery}?step=acknowledge")
    sun.set_input_files("#field-copy", tmp_path / "file.parquet")
    send(sun)
    assert badge(sun) == "已回执"


def test_what_is_turned_down_needs_a_remark(world: World, page_as: PageAs) -> None:
    sun = page_as(world.login("sun"))
    delivery = ask(sun, world, world.granted(), "CSV")
    sun.request.get(delivery.replace("/deliveries/", "/files/"))
    sun.goto(f"{delivery}?step=acknowledge")
    sun.check("input[name=accepted][value='0']")
    sun.locator("main form.hub-form button[type=submit]").click()
    expect(sun.locator("#wrong-remark")).to_be_visible()
    sun.fill("#field-remark", "文件列与目录不符")
    send(sun)
    expect(sun.get_by_text("文件列与目录不符")).to_be_visible()
    expect(sun.get_by_text("未提供")).to_be_visible()


def test_the_provider_revokes_a_delivery_and_its_address_answers_nobody(
    world: World, page_as: PageAs, look: Look
) -> None:
    sun, zhao = page_as(world.login("sun")), page_as(world.login("zhao"))
    delivery = ask(sun, world, world.granted(), "CSV")
    address = sun.locator("#signed-address").input_value()
    assert sun.request.get(address).status == 200
    zhao.goto("/deliveries/?view=given")
    zhao.locator(f"a[href='/deliveries/{delivery.rpartition('/')[2]}']").click()
    zhao.get_by_role("link", name="撤销").click()
    send_without_reason(zhao)
    look(zhao, "delivery-revoke-zh")
    zhao.fill("#field-reason", "数据范围有误")
    send(zhao)
    assert badge(zhao) == "已撤销"
    assert sun.request.get(address).status in (403, 404, 409, 410)
    sun.goto(delivery)
    expect(sun.locator("#signed-address")).to_have_count(0)
    expect(sun.get_by_text("数据范围有误")).to_be_visible()
    look(sun, "delivery-revoked-zh")


def send_without_reason(page: Page) -> None:
    """A step that asks for a reason is not taken without one."""
    page.locator("main form.hub-form button[type=submit]").click()
    expect(page.locator("#wrong-reason")).to_be_visible()


def test_a_grant_is_suspended_resumed_and_ended(world: World, page_as: PageAs, look: Look) -> None:
    grant = world.granted()
    zhao, sun = page_as(world.login("zhao")), page_as(world.login("sun"))
    for button, reason, state in (("暂停", "数据质量核查", "已暂停"), ("恢复", "核查完毕", "有效")):
        zhao.goto(grant)
        zhao.get_by_role("link", name=button, exact=True).click()
        send_without_reason(zhao)
        zhao.fill("#field-reason", reason)
        send(zhao)
        assert badge(zhao) == state
        sun.goto(grant)
        expect(sun.get_by_role("link", name="申领数据")).to_have_count(1 if state == "有效" else 0)
        if state != "有效":
            expect(sun.get_by_text(reason)).to_be_visible()
            look(sun, "grant-suspended-zh")
    sun.get_by_role("link", name="终止", exact=True).click()
    sun.fill("#field-reason", "不再需要")
    send(sun)
    assert badge(sun) == "已结束"
    expect(sun.locator("main .page-actions a[href*='step=']")).to_have_count(0)
    look(sun, "grant-ended-zh")
