"""A browser (Chromium) in front of a portal that granian serves over a database of the test run's own."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select

from adapters.clock import system_now
from adapters.database import transaction
from adapters.settings import Settings
from directory.people.models import Account, SignIn
from directory.people.secrets import new_token, token_hash
from portal.access import SIGN_IN_COOKIE
from portal.i18n import LANGUAGE_COOKIE
from tests.integration.conftest import *  # noqa: F403  # the same services stand behind the browser

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "var" / "screenshots"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def portal_server(services: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running portal; its database is the run's shared one, of which ``settings`` tells."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("portal") / "log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "portal.app:create_app"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "4"]
    environment = {**os.environ, **services, "SHUNIU_PORTAL_URL": address, "SHUNIU_CASE_CLOCK_TURNABLE": "1"}
    environment["PYTHONPATH"] = str(ROOT)
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
        try:
            wait_for(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float = 60) -> None:
    """Wait until the portal answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/sign-in", timeout=5).close()
            return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"the portal did not start:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of the run; every page has a context, that is an empty profile, of its own."""
    path = os.environ.get("SHUNIU_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page_as(portal_server: str, portal_settings: Settings, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """``page_as("login")`` is a page of somebody who is signed in, ``page_as()`` a stranger's.

    With a password the person signs in by clicking, else a session is put into the database, which is quicker.
    ``language`` is ``zh_Hans_CN`` or ``en``; a fault of a script on any page fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(login: str = "", password: str = "", language: str = "zh_Hans_CN") -> Page:
        context = chromium.new_context(
            base_url=portal_server,
            locale="zh-CN" if language.startswith("zh") else "en-GB",
            viewport={"width": 1360, "height": 900},
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if _is_fault(said.type, said.text) else None)
        if login and not password:
            context.add_cookies(
                [{"name": SIGN_IN_COOKIE, "value": signed_in(portal_settings, login), "url": portal_server}]
            )
        elif login:
            page.goto("/sign-in")
            page.fill("[name=login]", login)
            page.fill("[name=password]", password)
            page.click("main button[type=submit]")
            page.wait_for_url("**/")
        context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": portal_server}])
        page.goto("/" if login else "/sign-in")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def signed_in(settings: Settings, login: str) -> str:
    """The token of a sign-in that was made without the page."""
    token = new_token()
    with transaction(settings.app_database_url) as session:
        account = session.scalars(select(Account).where(Account.login == login)).one()
        later = system_now() + timedelta(hours=1)
        session.add(SignIn(token_hash=token_hash(token), account_id=account.id, expires_at=later))
    return token


def _is_fault(kind: str, text: str) -> bool:
    return kind == "error" and "the server responded with a status of 4" not in text


@pytest.fixture
def look() -> Callable[[Page, str], None]:
    """``look(page, "name")`` takes a screenshot into ``var/screenshots`` and demands that axe finds nothing."""

    def looked(page: Page, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        assert violations(page) == []

    return looked


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA and its best practices, one line each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(
        "axe.run({resultTypes: ['violations']}).then(r => r.violations.map("
        "v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 200)).join(' | ')))"
    )
    return found


@pytest.fixture(scope="session")
def portal_settings(services: dict[str, str]) -> Settings:
    """Settings of the portal in ``portal_server``."""
    return Settings.load(services)
