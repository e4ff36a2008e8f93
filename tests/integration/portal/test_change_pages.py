"""Pages that say what comes next: a change of what an entry describes, a row condition that was refused."""

from collections.abc import Callable

from sqlalchemy import select

from adapters.clock import case_today
from adapters.database import transaction
from directory.agencies.models import Agency
from directory.catalogue.models import CatalogueChange
from directory.people.roles import Role
from exchange.applications.models import Answer, AnswerItem, Application, ApplicationItem
from portal.edge import Portal
from portal.pages.applications import CONDITION_REFUSED
from schemas.rule_sets import rule_set_for
from tests import factories
from tests.integration.portal.conftest import Browser, People

Opened = Callable[..., Browser]


def test_a_change_is_recorded_on_the_page_and_waits_on_the_desk(
    portal: Portal, people: People, browser: Opened
) -> None:
    compiler = people.actors[Role.COMPILER]
    with transaction(portal.settings.app_database_url) as session:
        agency = session.get_one(Agency, compiler.agency_id)
        version = factories.published_resource(session, agency)
        of, name, today = version.resource_id, version.name, case_today(session)
    page = browser(people.logins[Role.COMPILER])
    shown = page.get(f"/catalogue/{of}?tab=versions").get_data(as_text=True)
    assert f'action="/changes/{of}"' in shown
    made = page.post(f"/changes/{of}", {"happened_on": today.isoformat(), "what": "登记字段增加"})
    assert made.status_code == 303
    assert "登记字段增加" in page.get(made.location).get_data(as_text=True)
    desk = page.get("/").get_data(as_text=True)
    assert "登记字段增加" in desk
    assert name in desk
    refused = page.post(f"/changes/{of}", {"happened_on": "2999-01-01", "what": "x"})
    assert refused.status_code == 422
    other = browser(people.logins[Role.REQUESTER]).post(f"/changes/{of}", {"happened_on": today.isoformat()})
    assert other.status_code == 403
    with transaction(portal.settings.app_database_url) as session:
        rows = session.scalars(select(CatalogueChange).where(CatalogueChange.resource_id == of)).all()
        assert [(row.what, row.happened_on) for row in rows] == [("登记字段增加", today)]


def test_the_page_says_why_nothing_opened(portal: Portal, people: People, browser: Opened) -> None:
    requester = people.actors[Role.REQUESTER]
    parts = [
        factories.item(1, field_name="ask_1", **factories.on_request()),
        factories.item(2, field_name="ask_2", **factories.on_request()),
    ]
    with transaction(portal.settings.app_database_url) as session:
        version = factories.published_resource(session, factories.agency(session), parts)
        today = case_today(session)
        application = Application(
            state="REFUSED",
            requester_id=requester.agency_id,
            provider_id=version.resource.agency_id,
            resource_version_id=version.id,
            scope="征管科",
            purpose="核对",
            duty="法",
            modes=["INTERFACE"],
            row_condition={"field": "ask_2", "operator": "EQUALS", "values": ["密"]},
            term_to=today,
            rule_set=rule_set_for(today).key,
            applied_by=requester.person_id,
        )
        application.items = [ApplicationItem(data_item_id=item.id) for item in version.items]
        answer = Answer(
            round=1,
            number=f"DF-{version.id}",
            reason="见各项",
            answered_by=requester.person_id,
            answered_on=today,
            late=False,
        )
        answer.items = [
            AnswerItem(data_item_id=version.items[0].id, decision="AGREED", reason="可"),
            AnswerItem(data_item_id=version.items[1].id, decision="REFUSED", reason="否", basis={"kind": "LAW"}),
        ]
        application.answers = [answer]
        session.add(application)
        session.flush()
        place = f"/applications/{application.id}"
    page = browser(people.logins[Role.REQUESTER])
    told = page.get(place).get_data(as_text=True)
    assert CONDITION_REFUSED in told or "因此已同意的数据项也不生成授权" in told
