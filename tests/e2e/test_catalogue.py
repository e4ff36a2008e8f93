"""Cataloguing by clicking, as each person: compile, return, mend, review, publish, find, attach, load."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from adapters.database import transaction
from adapters.settings import Settings
from directory.people.roles import Role
from tests import factories

PageAs = Callable[..., Page]
Look = Callable[[Page, str], None]


@dataclass(frozen=True)
class Logins:
    """Who clicks."""

    compiler: str
    reviewer: str
    security: str
    system: str
    regulator: str
    """Address of the administrators' agency."""


@pytest.fixture(scope="module")
def logins(portal_settings: Settings) -> Logins:
    """A bureau with a compiler and a reviewer, and two administrators of the regulator."""
    with transaction(portal_settings.app_database_url) as session:
        bureau = factories.agency(session, "民政局")
        regulator = factories.agency(session, "经济和信息化委员会", office="REGULATOR")
        people = {
            "compiler": factories.person(session, bureau, Role.COMPILER, name="林文"),
            "reviewer": factories.person(session, bureau, Role.REVIEWER, Role.SECRECY_REVIEWER, name="苏敏"),
            "security": factories.person(session, regulator, Role.SECURITY_ADMINISTRATOR, name="褚宁"),
            "system": factories.person(session, regulator, Role.SYSTEM_ADMINISTRATOR, name="陈晨"),
        }
        names = {name: factories.account(session, who, f"cat-{name}").login for name, who in people.items()}
        return Logins(regulator=f"/agencies/{regulator.id}", **names)


def fill_entry(page: Page, name: str, abstract: str) -> None:
    """The upper part of the compile form."""
    page.goto("/compile/new")
    page.locator("[name=name]").fill(name)
    page.locator("[name=keywords]").fill("法人、登记")
    page.locator("[name=abstract]").fill(abstract)


def fill_item(page: Page, row: int, name: str, field: str, **words: str) -> None:
    """One row of data items."""
    page.locator(f"[name=items-{row}-name]").fill(name)
    page.locator(f"[name=items-{row}-field_name]").fill(field)
    page.locator(f"[name=items-{row}-length]").fill("100")
    for word, value in words.items():
        place = page.locator(f"[name=items-{row}-{word}]")
        if place.evaluate("e => e.tagName") == "SELECT":
            place.select_option(value)
        else:
            place.fill(value)


def submit(page: Page) -> None:
    """Save and hand in."""
    page.locator("button[name=then]").click()


def open_from_desk(page: Page, name: str) -> None:
    """Open what waits on the desk."""
    page.goto("/")
    page.get_by_role("link", name=name).first.click()


def approve(page: Page, name: str) -> None:
    """Review, secrecy review and publication by the second person."""
    open_from_desk(page, name)
    for criterion in ("accurate", "complete", "compliant"):
        page.locator(f"[name={criterion}]").check()
    page.locator("#review button[type=submit]").click()
    expect(
        page.locator(".badge", has_text="审核通过").or_(page.locator(".badge", has_text="已通过")).first
    ).to_be_visible()
    page.get_by_role("link", name="审核与发布").click()
    page.locator("[name=document]").fill("保审〔2026〕12号")
    page.locator("#secrecy button[type=submit]").click()
    page.get_by_role("link", name="审核与发布").click()
    page.locator("form[action$=publish] button").click()
    expect(page.locator(".badge", has_text="已发布").first).to_be_visible()


def test_universal_data_is_returned_once_mended_and_published(page_as: PageAs, look: Look, logins: Logins) -> None:
    compiler, reviewer = page_as(logins.compiler), page_as(logins.reviewer)
    fill_entry(compiler, "全国行政区划代码", "五级行政区划的代码、名称和上级")
    compiler.locator("[name=ground]").select_option("BASIC_DATA")
    compiler.locator("[name=modes][value=INTERFACE]").check()
    fill_item(compiler, 0, "区划代码", "code")
    compiler.locator("[name=items-0-is_key]").check()
    fill_item(compiler, 1, "区划名称", "name")
    compiler.locator("button[name=rows][value='2']").click()
    expect(compiler.locator("[name=items-1-field_name]")).to_have_value("name")
    expect(compiler.locator("[name=items-2-name]")).to_have_count(0)
    look(compiler, "compile-zh")
    submit(compiler)
    expect(compiler.locator(".badge", has_text="审核中").first).to_be_visible()

    open_from_desk(reviewer, "全国行政区划代码")
    reviewer.locator("[name=accurate]").check()
    reviewer.locator("[name=compliant]").check()
    reviewer.locator("[name=decision][value=return]").check()
    reviewer.locator("[name=path]").first.select_option("abstract")
    reviewer.locator("[name=reason]").first.fill("摘要未说明数据截止日期")
    look(reviewer, "review-zh")
    reviewer.locator("#review button[type=submit]").click()
    expect(reviewer.locator(".badge", has_text="退回").first).to_be_visible()

    open_from_desk(compiler, "全国行政区划代码")
    expect(compiler.get_by_text("摘要未说明数据截止日期")).to_be_visible()
    look(compiler, "returned-zh")
    compiler.locator("[name=abstract]").fill("五级行政区划的代码、名称和上级，截至2025年")
    submit(compiler)
    approve(reviewer, "全国行政区划代码")
    look(reviewer, "entry-zh")

    compiler.goto("/catalogue/?text=区划代码")
    expect(compiler.get_by_role("link", name="全国行政区划代码", exact=True)).to_be_visible()
    look(compiler, "catalogue-zh")
    english = page_as(logins.compiler, language="en")
    english.goto("/catalogue/?text=区划代码")
    look(english, "catalogue-en")


def test_sensitive_data_on_request_and_a_refusal_to_share_without_a_basis(
    page_as: PageAs, look: Look, logins: Logins
) -> None:
    compiler, reviewer = page_as(logins.compiler), page_as(logins.reviewer)
    fill_entry(compiler, "重点人员管控信息", "依法管控的重点人员名单和措施")
    fill_item(compiler, 0, "人员编号", "person_number", share_attribute="NO_SHARING")
    compiler.locator("[name=items-0-is_key]").check()
    for row in ("2", "1"):
        compiler.locator(f"button[name=rows][value='{row}']").click()
    submit(compiler)
    expect(compiler.get_by_role("alert").first).to_be_visible()
    expect(compiler.locator("[name=name]")).to_have_value("重点人员管控信息")
    look(compiler, "no-basis-zh")
    fill_item(
        compiler,
        0,
        "人员编号",
        "person_number",
        basis_kind="LAW",
        basis_document="中华人民共和国反恐怖主义法",
        basis_number="主席令第36号",
        basis_article="第四十八条",
    )
    submit(compiler)
    expect(compiler.locator(".badge", has_text="不共享").first).to_be_visible()

    fill_entry(compiler, "法人登记信息", "在本市登记的法人及其法定代表人")
    compiler.locator("[name=subject_kind]").select_option("ORGANISATION")
    condition = {"share_attribute": "ON_REQUEST", "share_condition": "用于依法履行税收征管职责"}
    fill_item(compiler, 0, "统一社会信用代码", "credit_code", identifier_kind="CREDIT_CODE", **condition)
    compiler.locator("[name=items-0-is_key]").check()
    fill_item(compiler, 1, "名称", "name", **condition)
    fill_item(compiler, 2, "法定代表人证件号码", "representative_id", sensitivity="PERSONAL_PRIVACY", **condition)
    submit(compiler)
    expect(compiler.locator(".badge", has_text="按需共享").first).to_be_visible()
    approve(reviewer, "法人登记信息")
    compiler.goto("/catalogue/")
    expect(compiler.get_by_role("link", name="法人登记信息")).to_be_visible()


def test_nobody_reviews_what_he_compiled(page_as: PageAs, logins: Logins) -> None:
    compiler = page_as(logins.compiler)
    fill_entry(compiler, "社会组织登记信息", "在本市登记的社会组织")
    fill_item(compiler, 0, "登记证号", "number")
    compiler.locator("[name=items-0-is_key]").check()
    for row in ("2", "1"):
        compiler.locator(f"button[name=rows][value='{row}']").click()
    submit(compiler)
    expect(compiler.get_by_role("link", name="审核与发布")).to_have_count(0)
    answer = compiler.request.get(re.sub("/catalogue/versions/", "/reviews/", compiler.url))
    assert answer.status == 200
    assert 'id="review"' not in answer.text()


def test_a_file_is_uploaded_attached_and_its_load_asked_for(
    page_as: PageAs, look: Look, logins: Logins, tmp_path: Path
) -> None:
    compiler = page_as(logins.compiler)
    compiler.goto("/catalogue/?text=全国行政区划代码")
    compiler.get_by_role("link", name="全国行政区划代码", exact=True).click()
    compiler.get_by_role("link", name="数据源与装载").click()
    look(compiler, "source-empty-zh")
    picture = tmp_path / "not.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00")
    compiler.locator("#csv [name=file]").set_input_files(picture)
    compiler.locator("#csv button[type=submit]").click()
    expect(compiler.get_by_role("alert").first).to_contain_text("CSV")
    table = tmp_path / "divisions.csv"
    table.write_text("code,name\n31,上海市\n", encoding="utf-8")
    compiler.locator("#csv [name=file]").set_input_files(table)
    compiler.locator("#csv button[type=submit]").click()
    expect(compiler.get_by_role("button", name="立即装载")).to_be_visible()
    compiler.get_by_role("button", name="立即装载").click()
    look(compiler, "source-zh")


def _sign_in_first(page: Page, login: str, password: str) -> None:
    """Sign in with a password that somebody else set: nothing opens before it is changed."""
    page.goto("/sign-in")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(password)
    page.click("main button[type=submit]")
    page.wait_for_url("**/password")
    refused = page.goto("/agencies/")
    assert refused is not None
    assert refused.status == 403
    page.goto("/password")
    page.locator("[name=old]").fill(password)
    for name in ("new", "again"):
        page.locator(f"[name={name}]").fill("yang-own-password-1")
    page.click("main button[type=submit]")
    expect(page.locator("[name=old]")).to_have_count(0)


def test_the_register_of_agencies_people_and_programs(page_as: PageAs, look: Look, logins: Logins) -> None:
    system, security = page_as(logins.system), page_as(logins.security)
    system.goto("/agencies/new")
    system.locator("[name=credit_code]").fill("11310000000000000X")
    system.locator("[name=name]").fill("体育局")
    system.locator("[name=short_code]").fill("TYJ")
    system.get_by_role("button", name="登记").click()
    expect(system.get_by_role("alert").first).to_be_visible()
    look(system, "agency-wrong-code-zh")
    system.locator("[name=credit_code]").fill(factories.credit_code(90_000_001))
    system.get_by_role("button", name="登记").click()
    expect(system.get_by_role("heading", level=1)).to_have_text("体育局")
    look(system, "agency-zh")
    security.goto(f"{system.url}?tab=people")
    security.locator("form[action*='/people/agencies/'] [name=name]").fill("杨帆")
    security.get_by_role("button", name="登记").first.click()
    security.locator("[name=role]").select_option("REQUESTER")
    security.get_by_role("button", name="授予角色").click()
    security.locator("[name=login]").fill("cat-yang")
    security.get_by_role("button", name="开设账号").click()
    password = security.locator("dd code").nth(1).inner_text()
    look(security, "account-once-zh")
    _sign_in_first(page_as(), "cat-yang", password)
    security.goto("/agencies/?text=经济和信息化委员会")
    expect(security.locator(f"a[href^='{logins.regulator}']")).to_have_text("经济和信息化委员会")
    security.goto(f"{logins.regulator}?tab=programs")
    security.locator("form[action$='/programs'] [name=name]").fill("监测程序")
    security.locator("[name=responsible_id]").select_option(label="褚宁")
    security.get_by_role("button", name="登记").click()
    expect(security.locator("dd code")).to_have_count(2)
    for page, name in ((security, "security"), (system, "system")):
        for tab in ("people", "programs", "keys", "systems"):
            page.goto(f"{system.url.split('?')[0]}?tab={tab}")
            look(page, f"agency-{tab}-{name}-zh")
    system.goto("/calendars/")
    look(system, "calendars-zh")
