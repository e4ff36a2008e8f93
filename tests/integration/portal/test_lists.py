"""Lists on pages: counts that never lie, and files that hold what is shown."""

import csv
import hashlib
import html
import re
import uuid
from collections.abc import Callable
from io import StringIO

import pytest

from audit.opened import personal_details
from directory.people.models import Person
from exchange.disputes.raise_dispute import raise_dispute
from exchange.needs.raise_need import raise_need
from tests import factories
from tests.integration.portal.conftest import Browser
from tests.integration.portal.world import World

Opened = Callable[..., Browser]
FACET = re.compile(r'<li><a href="([^"]+)"[^>]*>\s*<span>[^<]*</span><span class="facet-count">([\d,]+)</span>')
LISTS = {
    "asks": [
        "/applications/",
        "/grants/",
        "/grants/?view=standing",
        "/deliveries/",
        "/needs/",
        "/disputes/",
        "/agreements/",
        "/agencies/",
        "/agencies/?text=%E5%B8%82",
    ],
    "answers": ["/applications/", "/grants/", "/deliveries/?view=given", "/needs/"],
    "office": [
        "/applications/?view=overdue",
        "/applications/?view=all",
        "/grants/",
        "/disputes/?view=open",
        "/disputes/?view=all",
    ],
}


@pytest.fixture
def full(world: World) -> World:
    """The world with something in every list: cases in several states, an agreement, a need, a dispute."""
    case = world.case
    case.draft()
    refused = case.received(["ask_2"])
    case.answer(refused, refused=["ask_2"])
    raise_dispute(world.session, case.asks, refused.id, text="依据不足")
    case.answer(case.received(["ask_4"]), agreed=["ask_4"])
    for agency in (case.provider, factories.agency(world.session)):
        stated = {"description": "地址", "purpose": "核对", "duty": "税收征收管理法"}
        raise_need(world.session, case.asks, provider_id=agency.id, resource_id=None, **stated)
    for name, actor in (("asks", case.asks), ("answers", case.answers), ("office", case.office)):
        factories.account(world.session, world.session.get_one(Person, actor.person_id), name)
    world.session.commit()
    return world


def rows(page: str) -> int:
    return len(re.findall(r"<tr>\s*<td", page.partition("<tbody>")[2].partition("</tbody>")[0]))


def all_off(page: str) -> str:
    """Where the link goes that takes every filter off."""
    found = re.search(r'<a class="chips-all" href="([^"]+)"', page)
    assert found, page
    return html.unescape(found.group(1))


def test_every_count_is_what_its_filter_shows_and_what_its_file_holds(full: World, browser: Opened) -> None:
    filled = 0
    for login, addresses in LISTS.items():
        person = browser(login)
        for address in addresses:
            page = person.get(address).get_data(as_text=True)
            filled += bool(rows(page))
            for link, count in FACET.findall(page):
                narrowed = person.get(html.unescape(link)).get_data(as_text=True)
                assert rows(narrowed) == int(count), (address, link)
                assert rows(person.get(all_off(narrowed)).get_data(as_text=True)) == rows(page), link
            for order in re.findall(r'href="([^"]*sort=[^"]*)"', page):
                assert rows(person.get(html.unescape(order)).get_data(as_text=True)) == rows(page), order
            file = person.get(f"{address}{'&' if '?' in address else '?'}export=csv").get_data().decode("utf-8-sig")
            assert len(list(csv.reader(StringIO(file)))) == rows(page) + 1, address
            assert taken(full, file) == (rows(page), "csv"), "that it was taken is an entry"
    assert filled == 15
    exports = len(full.evidence("list.exported"))
    assert browser("asks").client.head("/grants/?export=csv").status_code == 200
    assert len(full.evidence("list.exported")) == exports, "nothing was taken"
    assert taken(full, browser("asks").get("/catalogue/?export=csv").get_data().decode("utf-8-sig"))[1] == "csv"
    choices_in_one_facet_narrow_the_counts_of_the_others(browser("asks"))


def taken(world: World, file: str) -> tuple[int, str]:
    """Rows and form of a file, as the entry says that recorded it."""
    digest = hashlib.sha256(f"\ufeff{file}".encode()).hexdigest()
    told = {uuid.UUID(one["id"]): one["data"]["after"] for one in world.evidence("list.exported")}
    details = personal_details(world.session, told)
    assert not [one for one in told.values() if "sha256" in one], "its digest is apart"
    entry = next(told[one] for one, said in details.items() if said["sha256"] == digest)
    return entry["rows"], entry["format"]


def choices_in_one_facet_narrow_the_counts_of_the_others(asks: Browser) -> None:
    both = asks.get("/applications/?state=DRAFT&state=GRANTED").get_data(as_text=True)
    assert rows(both) == 2
    providers = both.partition("provider=")[2]
    assert re.search(r'facet-count">2<', providers)
    odd = asks.get("/applications/?state=NONSENSE&provider=none&sort=odd").get_data(as_text=True)
    assert rows(odd) == 4
    assert rows(asks.get("/grants/?state=ENDED").get_data(as_text=True)) == 0
