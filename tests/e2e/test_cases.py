"""A case that goes the long way, by clicking: no receipt, an objection, a new answer, a ruling, an ended agreement."""

import re

import pytest
from playwright.sync_api import Page, expect

from adapters.settings import Settings
from tests.e2e.world import Look, PageAs, World, badge, made_world, newest_grant, send

OPEN = ("credit_code", "entity_name")
APPLICATION = re.compile(r"/applications/[0-9a-f-]{36}")


@pytest.fixture(scope="module")
def world(portal_settings: Settings) -> World:
    return made_world(portal_settings, "c")


def take_step(page: Page, button: str, **filled: str) -> None:
    """Click the button of a step, fill its form and send it."""
    page.get_by_role("link", name=button, exact=True).click()
    for name, value in filled.items():
        page.fill(f"#field-{name}", value)
    send(page)


def objected(world: World, page_as: PageAs) -> tuple[Page, str]:
    """The requester objects to a refused item; their page and the dispute's address."""
    application = world.answered(("credit_code",), ("entity_name",))
    sun = page_as(world.login("sun"))
    sun.goto(application)
    take_step(sun, "对答复提出异议", text="法人名称为核对所必需，请求协调。")
    expect(sun.get_by_role("link", name="对答复提出异议")).to_have_count(0)
    sun.get_by_role("link", name="查看协调事项").click()
    sun.wait_for_url(re.compile(r"/disputes/[0-9a-f-]{36}"))
    return sun, sun.url


def test_the_office_settles_the_day_of_a_receipt_that_nobody_registered(
    world: World, page_as: PageAs, look: Look
) -> None:
    application = world.handed_over()
    zheng, sun, zhao = (page_as(world.login(name)) for name in ("zheng", "sun", "zhao"))
    zheng.goto(application)
    expect(zheng.get_by_role("link", name="裁定收讫日期")).to_have_count(0)
    sun.goto(application)
    take_step(sun, "记录送达", proof="机要交换第118号，签收人王某")
    zheng.goto(application)
    zheng.get_by_role("link", name="裁定收讫日期").click()
    zheng.fill("#field-received_on", "2016-01-01")
    zheng.fill("#field-reason", "机要交换回执显示当日送达")
    zheng.locator("main form.hub-form button[type=submit]").click()
    expect(zheng.locator("#wrong-received_on")).to_be_visible()
    look(zheng, "settle-receipt-zh")
    expect(zheng.locator("#field-reason")).to_have_value("机要交换回执显示当日送达")
    today = sun.locator(".plain-list time").first.inner_text()[:10]
    zheng.fill("#field-received_on", today)
    send(zheng)
    expect(zheng.locator(".deadline-left").first).to_contain_text("10")
    zhao.goto(application)
    expect(zhao.get_by_role("link", name="答复", exact=True)).to_be_visible()
    look(zhao, "case-settled-zh")
    for page, links in ((zhao, 1), (zheng, 0)):
        page.goto(f"{application}?tab=timeline")
        expect(page.locator("main a[href^='/evidence/']")).to_have_count(links)


def test_a_directed_new_answer_opens_a_grant_of_the_second_round(world: World, page_as: PageAs, look: Look) -> None:
    sun, dispute = objected(world, page_as)
    zhao, zheng, wu = (page_as(world.login(name)) for name in ("zhao", "zheng", "wu"))
    zhao.goto(dispute)
    take_step(zhao, "提交陈述", text="可以掩码后提供。")
    wu.goto(dispute)
    expect(wu.get_by_role("heading", level=1)).not_to_contain_text("协调事项")
    zheng.goto(dispute)
    zheng.get_by_role("link", name="征询部门意见").click()
    zheng.fill("#field-agency_id", world.actors["wu"].agency_code)
    zheng.fill("#field-question", "提供法人名称是否影响公共安全？")
    send(zheng)
    wu.goto(dispute)
    take_step(wu, "提交陈述", text="不影响公共安全。")
    look(wu, "dispute-department-zh")
    zheng.goto(dispute)
    expect(zheng.get_by_text("不影响公共安全。")).to_be_visible()
    zheng.get_by_role("link", name="作出结论").click()
    zheng.check("input[name=outcome][value=ANSWER_ANEW]")
    zheng.fill("#field-text", "请重新答复。")
    send(zheng)
    assert badge(zheng) == "已作结论"
    expect(zheng.locator("main .page-actions a[href*='step=']")).to_have_count(0)
    look(zheng, "dispute-concluded-zh")
    answer_anew(world, sun, zhao, look)


def answer_anew(world: World, sun: Page, zhao: Page, look: Look) -> None:
    """The provider answers the refused item again, and both items are then under grants."""
    sun.get_by_role("link", name=re.compile("申请")).last.click()
    sun.wait_for_url(APPLICATION)
    application = sun.url
    zhao.goto(application)
    zhao.get_by_role("link", name="答复", exact=True).click()
    expect(zhao.locator(".answer-item")).to_have_count(1)
    zhao.fill("#field-reason", "经重新研究，同意提供。")
    zhao.fill("[name=items-0-reason]", "协调结论")
    look(zhao, "answer-anew-zh")
    send(zhao)
    assert badge(zhao) == "已授权"
    zhao.goto(f"{application}?tab=items")
    expect(zhao.locator("tbody td.number", has_text="2")).to_have_count(1)
    look(zhao, "case-items-zh")
    sun.goto(f"{application}?tab=after")
    grants = sun.locator("main td a[href*='/grants/']")
    expect(grants).to_have_count(2)
    look(sun, "case-after-zh")
    items = world.act("sun", lambda session, actor: newest_grant(session, application).items)
    assert "entity_name" in items


def test_a_dispute_goes_before_the_leading_group_which_rules(world: World, page_as: PageAs, look: Look) -> None:
    sun, dispute = objected(world, page_as)
    zheng, zhao = page_as(world.login("zheng")), page_as(world.login("zhao"))
    zheng.goto(dispute)
    take_step(zheng, "提请决定", text="双方意见不一致。")
    expect(zheng.get_by_role("link", name="作出结论")).to_have_count(0)
    zheng.get_by_role("link", name="记录决定").click()
    zheng.check("input[name=outcome][value=RULED_TO_SHARE]")
    zheng.fill("#field-text", "应予共享。")
    zheng.locator("main form.hub-form button[type=submit]").click()
    expect(zheng.locator("#wrong-document")).to_be_visible()
    look(zheng, "dispute-rule-zh")
    zheng.fill("#field-document", "领导小组会议纪要〔2026〕8号")
    send(zheng)
    assert badge(zheng) == "已决定"
    sun.goto(dispute)
    expect(sun.get_by_text("领导小组会议纪要〔2026〕8号")).to_be_visible()
    sun.get_by_role("link", name=re.compile("申请")).last.click()
    sun.wait_for_url(APPLICATION)
    zhao.goto(f"{sun.url}?step=answer")
    zhao.fill("#field-reason", "仍不同意。")
    zhao.check("input[name=items-0-decision][value=REFUSED]")
    zhao.fill("[name=items-0-reason]", "不同意")
    zhao.select_option("[name=items-0-basis-kind]", "LAW")
    zhao.fill("[name=items-0-basis-document]", "中华人民共和国统计法")
    zhao.fill("[name=items-0-basis-number]", "主席令第87号")
    zhao.fill("[name=items-0-basis-article]", "第二十五条")
    zhao.locator("main form.hub-form button[type=submit]").click()
    expect(zhao.locator(".alert-danger").first).to_be_visible()
    zhao.check("input[name=items-0-decision][value=AGREED]")
    send(zhao)
    assert badge(zhao) == "已授权"


def test_an_objection_is_withdrawn(world: World, page_as: PageAs) -> None:
    sun, dispute = objected(world, page_as)
    take_step(sun, "撤回异议", reason="已另行沟通")
    assert badge(sun) == "已撤回"
    assert sun.url == dispute


def test_a_terminated_agreement_ends_its_grant(world: World, page_as: PageAs, look: Look) -> None:
    application = world.answered((*OPEN, "legal_person"))
    agreement = world.signed(application)
    qian = page_as(world.login("qian"))
    qian.goto("/agreements/")
    qian.locator(f"a[href='{agreement}']").click()
    assert badge(qian) == "已生效"
    take_step(qian, "终止", reason="需求方已不再履行该职责")
    assert badge(qian) == "已终止"
    look(qian, "agreement-terminated-zh")
    qian.get_by_role("link", name=re.compile("授权")).last.click()
    assert badge(qian) == "已结束"
    look(qian, "grant-of-terminated-zh")
