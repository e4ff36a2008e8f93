"""Forms as people fill them in: rows left empty, boxes left unticked, roles that nobody may give."""

from collections.abc import Callable

from sqlalchemy import select

from adapters.database import transaction
from directory.agencies.models import Agency
from directory.catalogue.models import ResourceVersion
from directory.people.roles import Role
from portal.edge import Portal
from tests import factories
from tests.integration.portal.conftest import Browser, People

Opened = Callable[..., Browser]

ENTRY = {
    "name": "停车场登记信息",
    "keywords": "停车",
    "abstract": "本市停车场的登记事项",
    "resource_class": "DEPARTMENT",
    "classification_code": "307004",
    "format": "DATABASE",
    "update_cycle": "MONTHLY",
    "subject_kind": "OTHER",
    "secrecy_level": "NON_SECRET",
    "network": "GOVERNMENT_EXTRANET",
    "ground": "PROVIDER_DECIDED",
    "modes": "FILES",
    "items_count": "3",
    "items-0-name": "名称",
    "items-0-field_name": "name",
    "items-0-data_type": "CHARACTER",
    "items-0-length": "60",
    "items-0-share_attribute": "UNIVERSAL",
    "items-0-open_attribute": "NOT_OPEN",
    "items-0-sensitivity": "NONE",
    "items-0-on_mismatch": "SET_ASIDE",
}


def test_rows_that_nobody_filled_in_are_no_items(portal: Portal, people: People, browser: Opened) -> None:
    compiler = browser(people.logins[Role.COMPILER])
    made = compiler.post("/compile/new", ENTRY)
    assert made.status_code == 303, made.get_data(as_text=True)
    with transaction(portal.settings.app_database_url) as session:
        version = session.scalars(select(ResourceVersion).where(ResourceVersion.name == ENTRY["name"])).one()
        assert [item.field_name for item in version.items] == ["name"]


def test_the_summary_says_which_item_is_wrong(people: People, browser: Opened) -> None:
    compiler = browser(people.logins[Role.COMPILER])
    wrong = compiler.post("/compile/new", {**ENTRY, "items-1-name": "地址", "items-1-field_name": "1 bad"})
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    assert 'href="#field-items-1-field_name">第 2 项 字段：' in page
    assert "第 3 项 字段：" not in page


def test_only_roles_that_may_be_given_are_offered(portal: Portal, people: People, browser: Opened) -> None:
    with transaction(portal.settings.app_database_url) as session:
        agency = session.get_one(Agency, people.actors[Role.REQUESTER].agency_id)
        own = factories.person(session, agency, Role.SECURITY_ADMINISTRATOR)
        login = factories.account(session, own, "ownsecurity").login
        other, mine = factories.person(session, agency).id, own.id
    page = browser(login)
    offered = page.get(f"/people/{other}").get_data(as_text=True)
    assert '<option value="COMPILER"' in offered
    assert '<option value="COORDINATOR"' not in offered
    assert '<option value="SECURITY_ADMINISTRATOR"' not in offered
    assert "<option" not in page.get(f"/people/{mine}").get_data(as_text=True)


def test_whoever_approves_ticks_all_three(portal: Portal, people: People, browser: Opened) -> None:
    with transaction(portal.settings.app_database_url) as session:
        agency = session.get_one(Agency, people.actors[Role.REVIEWER].agency_id)
        address = f"/reviews/{factories.version(session, agency, 'SUBMITTED').id}"
    reviewer = browser(people.logins[Role.REVIEWER])
    sent = {"decision": "approve", "accurate": "1", "complete": "1", "lock_version": "1", "path": "name", "reason": "x"}
    answer = reviewer.post(f"{address}/review", sent)
    assert (answer.status_code, answer.headers.get("X-Shuniu-Code")) == (422, "review.criteria")
