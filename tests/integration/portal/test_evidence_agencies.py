"""An auditor names an agency as people do: by code, by name or by part of one, also one that is not offered."""

from collections.abc import Callable
from datetime import date
from urllib.parse import quote

import pytest

from adapters.database import transaction
from audit.actor import Actor
from audit.append import append
from directory.agencies.models import Agency, FormerAgencyName
from directory.people.roles import Role
from portal.agency_field import MOST_OFFERED
from portal.edge import Portal
from tests import factories
from tests.integration.portal.conftest import Browser, People

SEARCH, MONTH = "/evidence/?kind=grant.&agency=", "/evidence/taken?agency="
LAST, FORMER = "龠水文局", "11319900OLD000001X"


@pytest.fixture
def last(portal: Portal) -> Agency:
    """An agency beyond those that are offered, with an entry of its own, and one under a former code."""
    with transaction(portal.settings.app_database_url) as session:
        for number in range(MOST_OFFERED):
            factories.agency(session, name=f"一{number}局")
        for name in ("龠一所", "龠二所"):
            factories.agency(session, name=name)
        found = factories.agency(session, name=LAST, name_en="Hydrology Bureau", short_code="YSW")
        session.add(FormerAgencyName(agency_id=found.id, name="龠河务局", credit_code=FORMER, until=date(2020, 1, 1)))
        append(session, "grant.suspended", "grant/of-now", Actor(agency_code=found.credit_code))
        append(session, "grant.ended", "grant/of-then", Actor(agency_code=FORMER))
        session.expunge(found)
    return found


def shown(auditor: Browser, address: str, text: str) -> str:
    answer = auditor.get(address + quote(text))
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_any_agency_is_found_by_code_or_name(last: Agency, people: People, browser: Callable[..., Browser]) -> None:
    auditor = browser(people.logins[Role.AUDITOR])
    offered = f"{LAST} · YSW"
    assert f'value="{offered}"' not in shown(auditor, SEARCH, "") + shown(auditor, MONTH, "")
    for text in (last.credit_code, "YSW", "ysw", LAST, "Hydrology Bureau", "水文", "龠河务局", offered):
        page = shown(auditor, SEARCH, text)
        assert ("grant/of-now" in page, "grant/of-then" in page) == (True, False), text
        assert f'value="{offered}"' in page, text
        month = shown(auditor, MONTH, text)
        assert (f"{LAST}：" in month, f'value="{offered}"' in month) == (True, True), text
    page = shown(auditor, SEARCH, FORMER)
    assert ("grant/of-now" in page, "grant/of-then" in page) == (False, True), "what was recorded under a former code"


def test_what_means_several_agencies_or_none_finds_nothing_and_says_so(
    last: Agency, people: People, browser: Callable[..., Browser]
) -> None:
    auditor = browser(people.logins[Role.AUDITOR])
    for address in (SEARCH, MONTH):
        page = shown(auditor, address, "龠")
        assert "请选择您要查的机构" in page
        assert f"agency={last.credit_code}" in page
        assert page.count("alert-link") == 3
        unknown = shown(auditor, address, "<b>nobody</b>")
        assert "没有" in unknown
        assert "grant/of" not in page + unknown
        assert "<b>nobody" not in unknown


def test_others_than_auditors_are_kept_to_their_own_agency(
    last: Agency, people: People, browser: Callable[..., Browser]
) -> None:
    requester = browser(people.logins[Role.REQUESTER])
    assert "grant/of-now" not in shown(requester, SEARCH, "YSW")
    assert LAST not in shown(requester, MONTH, "YSW")
