"""The frame of every page, by clicking: sign-in, languages, menu, errors, reading without JavaScript, print."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from adapters.database import transaction
from adapters.settings import Settings
from directory.people.roles import Role
from tests import factories

PageAs = Callable[..., Page]
Look = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def login(portal_settings: Settings) -> str:
    with transaction(portal_settings.app_database_url) as session:
        agency = factories.agency(session, "民政局")
        person = factories.person(session, agency, Role.COMPILER, Role.REQUESTER, name="林文")
        return factories.account(session, person, "frame-lin").login


def test_signing_in_switching_the_language_and_signing_out(page_as: PageAs, look: Look, login: str) -> None:
    page = page_as()
    look(page, "sign-in-zh")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    look(page, "sign-in-en")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Login")).to_have_value(login)
    look(page, "sign-in-refused-en")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans-CN")
    page.locator(".hub-menu summary").click()
    look(page, "desk-menu-zh")
    page.get_by_role("button", name="退出").click()
    expect(page).to_have_url(re.compile("/sign-in$"))


def test_an_unknown_address_is_a_page_that_says_what_to_do(page_as: PageAs, look: Look, login: str) -> None:
    page = page_as(login)
    page.goto("/nothing/here")
    expect(page.get_by_role("heading", level=1)).to_have_text("未找到")
    look(page, "not-found-zh")


def test_after_signing_in_one_gets_where_one_wanted_to(page_as: PageAs, login: str) -> None:
    page = page_as()
    page.goto("/password?from=mail")
    page.get_by_label("登录名").fill(login)
    page.get_by_label("密码").fill(factories.PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page).to_have_url(re.compile(r"/password\?from=mail$"))


def test_pages_are_read_without_javascript(chromium: Browser, portal_server: str, login: str) -> None:
    context = chromium.new_context(base_url=portal_server, java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("[name=login]", login)
    page.fill("[name=password]", factories.PASSWORD)
    page.click("main button[type=submit]")
    expect(page.get_by_role("heading", level=1)).to_have_text("我的工作台")
    page.locator(".hub-menu summary").click()
    expect(page.get_by_role("link", name="修改密码")).to_be_visible()
    context.close()


def test_the_first_tab_skips_to_the_content(page_as: PageAs, login: str) -> None:
    page = page_as(login)
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_description_of_the_api_is_drawn_from_this_portal_alone(chromium: Browser, portal_server: str) -> None:
    context = chromium.new_context(base_url=portal_server)
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/v1/docs")
    expect(page.get_by_text("Native API of the city's data hub")).to_be_visible()
    assert [url for url in asked if not url.startswith((portal_server, "data:"))] == []
    context.close()
