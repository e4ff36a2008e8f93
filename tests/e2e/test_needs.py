"""Needs by clicking: raised for what is not shared, accepted, refused with a basis, taken back."""

import re

import pytest
from playwright.sync_api import Page, expect

from adapters.settings import Settings
from tests.e2e.world import Look, PageAs, World, badge, made_world, send


@pytest.fixture(scope="module")
def world(portal_settings: Settings) -> World:
    return made_world(portal_settings, "n")


def raise_need(page: Page, world: World, description: str) -> str:
    """From the entry's application form, where an item is not shared; the need's address."""
    page.goto(f"/applications/new?version={world.version}")
    page.get_by_role("link", name="提出共享需求").click()
    expect(page.locator("#field-provider_id")).to_have_value(re.compile(r" · "))
    page.fill("#field-description", description)
    page.fill("#field-purpose", "核查虚开发票")
    page.fill("#field-duty", "税收征收管理法第五十四条")
    send(page)
    return page.url


def test_a_need_is_checked_raised_and_accepted(world: World, page_as: PageAs, look: Look) -> None:
    sun, zhao = page_as(world.login("sun")), page_as(world.login("zhao"))
    sun.goto("/needs/")
    sun.get_by_role("link", name="提出共享需求").click()
    sun.fill("#field-description", "内部核查记录，按季度")
    sun.locator("main form.hub-form button[type=submit]").click()
    expect(sun.locator("#wrong-provider_id")).to_be_visible()
    expect(sun.locator("#field-description")).to_have_value("内部核查记录，按季度")
    look(sun, "need-new-zh")
    address = raise_need(sun, world, "内部核查记录，按季度")
    assert badge(sun) == "已提出"
    zhao.goto("/")
    zhao.goto("/needs/?view=asked")
    zhao.locator("main td a").first.click()
    zhao.wait_for_url(address)
    zhao.get_by_role("link", name="接受", exact=True).click()
    zhao.locator("main form.hub-form button[type=submit]").click()
    expect(zhao.locator("#wrong-answer")).to_be_visible()
    zhao.fill("#field-answer", "三十日内完成编目，改为有条件共享。")
    send(zhao)
    assert badge(zhao) == "已接受"
    expect(zhao.locator("main .page-actions a")).to_have_count(0)
    sun.goto(address)
    expect(sun.get_by_text("三十日内完成编目")).to_be_visible()
    look(sun, "need-accepted-zh")


def test_a_need_is_refused_on_law_alone(world: World, page_as: PageAs, look: Look) -> None:
    sun, zhao = page_as(world.login("sun")), page_as(world.login("zhao"))
    zhao.goto(raise_need(sun, world, "内部核查记录，逐日"))
    zhao.get_by_role("link", name="拒绝", exact=True).click()
    zhao.fill("#field-answer", "依法不得提供。")
    zhao.locator("main form.hub-form button[type=submit]").click()
    expect(zhao.locator(".form-wrong").first).to_be_visible()
    expect(zhao.locator("#field-answer")).to_have_value("依法不得提供。")
    look(zhao, "need-refuse-zh")
    zhao.select_option("#field-basis-kind", "LAW")
    zhao.fill("#field-basis-document", "中华人民共和国统计法")
    zhao.fill("#field-basis-number", "主席令第87号")
    zhao.fill("#field-basis-article", "第二十五条")
    send(zhao)
    assert badge(zhao) == "已拒绝"
    sun.goto(zhao.url)
    expect(sun.get_by_text("中华人民共和国统计法（主席令第87号），第二十五条")).to_be_visible()
    look(sun, "need-refused-zh")


def test_a_need_is_taken_back_and_closed_to_strangers(world: World, page_as: PageAs) -> None:
    sun, wu = page_as(world.login("sun")), page_as(world.login("wu"))
    address = raise_need(sun, world, "内部核查记录，逐月")
    answer = wu.request.get(address)
    assert answer.status == 403
    sun.get_by_role("link", name="撤回", exact=True).click()
    sun.fill("#field-reason", "已不需要")
    send(sun)
    assert badge(sun) == "已撤回"
    expect(sun.locator("main .page-actions a")).to_have_count(0)
