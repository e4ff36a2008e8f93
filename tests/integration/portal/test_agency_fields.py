"""Forms take an agency by code, name or part of one, also one that is not offered, and say what they cannot tell."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from directory.agencies.models import Agency
from directory.people.models import Person
from exchange.disputes.models import Statement
from exchange.disputes.raise_dispute import raise_dispute
from exchange.needs.models import Need
from portal.agency_field import MOST_OFFERED
from tests import factories
from tests.integration.portal.conftest import Browser
from tests.integration.portal.world import World

STATED = {"description": "水位", "purpose": "核对", "duty": "防洪法第四十条"}
Opened = Callable[[str], Browser]


@pytest.fixture
def last(world: World) -> Agency:
    """An agency beyond those that are offered, and two that are called alike; both sides and the office sign in."""
    for number in range(MOST_OFFERED):
        factories.agency(world.session, name=f"一{number}局")
    for name in ("龠一所", "龠二所"):
        factories.agency(world.session, name=name)
    case = world.case
    for name, actor in (("asks", case.asks), ("office", case.office)):
        factories.account(world.session, world.session.get_one(Person, actor.person_id), name)
    found = factories.agency(world.session, name="龠水文局", name_en="Hydrology Bureau", short_code="YSW")
    world.session.commit()
    return found


def test_a_need_is_raised_to_an_agency_however_it_is_named(world: World, last: Agency, browser: Opened) -> None:
    asks = browser("asks")
    form = asks.get("/needs/new").get_data(as_text=True)
    assert ("一0局 · " in form, "龠水文局" in form) == (True, False)
    assert f"{world.case.requester.name} · " not in form, "nobody asks themselves"
    typed = (
        last.credit_code,
        "ysw",
        "龠水文局",
        "Hydrology Bureau",
        "水文",
        "龠水文局 · YSW",
        "Hydrology Bureau · YSW",
    )
    for text in typed:
        assert asks.post("/needs/", {**STATED, "provider_id": text}).status_code == 303, text
    assert world.session.scalars(select(Need.provider_id)).all() == [last.id] * len(typed)
    linked = asks.get(f"/needs/new?provider={last.id}").get_data(as_text=True)
    assert 'value="龠水文局 · YSW"' in linked


def test_a_need_to_several_agencies_or_none_is_shown_again(world: World, last: Agency, browser: Opened) -> None:
    asks = browser("asks")
    for language, several, none in (
        ("zh_Hans_CN", "有多个机构", "没有代码或名称"),
        ("en", "Several agencies", "No agency"),
    ):
        asks.client.set_cookie("shuniu_language", language)
        for text, said in (("龠", several), ("<b>nobody</b>", none)):
            again = asks.post("/needs/", {**STATED, "provider_id": text})
            page = again.get_data(as_text=True)
            assert (again.status_code, said in page, "防洪法第四十条" in page) == (422, True, True)
            assert "<b>nobody" not in page
            offers = page.partition("<datalist")[2].partition("</datalist>")[0]
            assert (offers.count("<option") == 3) == (text == "龠")
    assert world.session.scalars(select(Need.id)).all() == []


def test_a_need_to_ones_own_agency_is_shown_again_and_is_no_refusal(
    world: World, last: Agency, browser: Opened
) -> None:
    asks, own = browser("asks"), world.case.requester
    for language, said in (("zh_Hans_CN", "这是您所在的机构"), ("en", "This is your own agency.")):
        asks.client.set_cookie("shuniu_language", language)
        for text in (own.credit_code, own.name):
            again = asks.post("/needs/", {**STATED, "provider_id": text, "purpose": ""})
            page = again.get_data(as_text=True)
            assert (again.status_code, said in page, "防洪法第四十条" in page) == (422, True, True), text
            assert (f'value="{text}"' in page, page.count('<li><a class="alert-link"')) == (True, 2), "the purpose, too"
    assert (world.evidence("need.raised"), world.session.scalars(select(Need.id)).all()) == ([], [])


def test_a_department_is_asked_however_it_is_named(world: World, last: Agency, browser: Opened) -> None:
    case = world.case
    refused = case.received(["ask_2"])
    case.answer(refused, refused=["ask_2"])
    dispute = raise_dispute(world.session, case.asks, refused.id, text="依据不足")
    world.session.commit()
    office, address = browser("office"), f"/disputes/{dispute.id}"
    form = office.get(f"{address}?step=ask_department").get_data(as_text=True)
    assert ("一0局 · " in form, "龠水文局" in form) == (True, False)
    for text, said in (("", "请选择不属于争议双方的部门"), ("龠", "有多个机构"), ("nobody", "没有代码或名称")):
        again = office.post(f"{address}/question", {"agency_id": text, "question": "是否影响防汛"})
        assert (again.status_code, "是否影响防汛" in again.get_data(as_text=True)) == (422, True), text
        assert said in again.get_data(as_text=True)
    assert (
        office.post(f"{address}/question", {"agency_id": case.provider.credit_code, "question": "？"}).status_code
        == 422
    )
    for text in ("YSW", "水文"):
        assert office.post(f"{address}/question", {"agency_id": text, "question": "是否影响防汛"}).status_code == 303
    assert (
        world.session.scalars(select(Statement.asked_id).where(Statement.asked_id.is_not(None))).all() == [last.id] * 2
    )
