"""Desks of the system and the security administrator: what needs them, of whom, and where it is dealt with."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import delete, select

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Sentence
from adapters.work import Runner, WorkState, enqueue, fail
from audit.actor import Actor
from audit.append import append
from audit.models import LogCheckpoint
from audit.store.models import KeptCheckpoint
from directory.keys.models import AgencyKey
from directory.people.models import Account, ApiClient, DataAdministrator, Person
from directory.people.roles import Role
from pipelines.steps import FAULT
from portal.edge import Portal
from tests import factories
from tests.integration.portal.conftest import Browser, People

Opened = Callable[..., Browser]
PLACE = re.compile(r'<div class="desk-what"><a href="([^"]+)"')


def test_the_system_administrator_sees_failed_and_forgotten_work_and_the_disk(
    portal: Portal, people: People, browser: Opened
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        failed = enqueue(session, "ingest", Runner.AIRFLOW, {})
        row = f"work-{failed.id}"
        fail(session, failed, Sentence(FAULT, work=failed.id), retry_may_help=False)
        enqueue(session, "deliver", Runner.AIRFLOW, {}).due_at = system_now() - timedelta(hours=1)
        old = enqueue(session, "ingest", Runner.AIRFLOW, {})
        old.state, old.finished_at, old.problem = WorkState.FAILED, system_now() - timedelta(days=31), "Long ago."
    administrator = browser(people.logins[Role.SYSTEM_ADMINISTRATOR])
    desk = administrator.get("/").get_data(as_text=True)
    assert row.replace("work-", "编号 ") in desk
    administrator.client.set_cookie("shuniu_language", "en")
    assert "The hub could not do this." in administrator.get("/").get_data(as_text=True)
    assert "Long ago." not in desk
    assert f"/operations/#{row}" in PLACE.findall(desk)
    assert len(PLACE.findall(desk)) == 5
    page = administrator.get("/operations/").get_data(as_text=True)
    assert f'id="{row}"' in page
    assert browser(people.logins[Role.SECURITY_ADMINISTRATOR]).get("/operations/").status_code == 403


def test_an_hour_without_a_kept_checkpoint_is_said_on_desk_and_pages(
    portal: Portal, people: People, browser: Opened
) -> None:
    pages = {Role.SYSTEM_ADMINISTRATOR: ("/operations/", "/"), Role.AUDITOR: ("/evidence/",)}
    signed_at = system_now() - timedelta(minutes=66)
    for kept, warned in ((True, False), (False, True)):
        with transaction(portal.settings.database_url) as owner:
            if kept:
                owner.add(LogCheckpoint(size=1, root=bytes(32), note="", signed_at=signed_at))
                owner.add(KeptCheckpoint(hour=signed_at, key="kept/1", size=1, kept_at=system_now()))
            else:
                owner.execute(delete(KeptCheckpoint))
        for role, addresses in pages.items():
            reader = browser(people.logins[role])
            reader.client.set_cookie("shuniu_language", "en")
            for address in addresses:
                said = "A problem lasts: see the page" if address == "/" else "No checkpoint was kept in the object"
                assert (said in reader.get(address).get_data(as_text=True)) is warned, address


def test_the_security_administrator_sees_what_needs_looking_at(portal: Portal, people: People, browser: Opened) -> None:
    with transaction(portal.settings.app_database_url) as session:
        mine = session.get_one(Person, people.actors[Role.REQUESTER].person_id)
        own = factories.account(session, factories.person(session, mine.agency, "SECURITY_ADMINISTRATOR"), "own").login
        idle = factories.account(session, factories.person(session, mine.agency), "idle")
        other = factories.account(session, factories.person(session, factories.agency(session)), "other")
        for account in (idle, other):
            account.locked_until = system_now() + timedelta(minutes=5)
            append(session, "account.sign_in_refused", f"account/{account.id}", Actor(), outcome="REFUSED")
        program = session.scalars(select(ApiClient)).one()
        program.created_at = system_now() - timedelta(days=181)
        session.add(
            AgencyKey(
                agency_id=mine.agency_id,
                purpose="SIGN",
                fingerprint="f" * 64,
                public_key="x",
                registered_by=mine.id,
                revoked_at=system_now(),
            )
        )
        agency, subject, locked = f"/agencies/{mine.agency_id}?tab=", f"client/{program.id}", idle.id
        of_idle, of_other = (f"/people/{account.person_id}" for account in (idle, other))
    operator = PLACE.findall(browser(people.logins[Role.SECURITY_ADMINISTRATOR]).get("/").get_data(as_text=True))
    assert sorted(operator) == sorted([of_idle, of_other] * 3 + [f"{agency}keys", f"{agency}programs"])
    administrator = browser(own)
    found = PLACE.findall(administrator.get("/").get_data(as_text=True))
    assert sorted(found) == sorted([of_idle] * 3 + [f"{agency}keys", f"{agency}programs"])
    assert {administrator.get(place).status_code for place in found} == {200}
    with transaction(portal.settings.app_database_url) as session:
        append(session, "client.secret_replaced", subject, Actor())
        session.get_one(Account, locked).locked_until = None
    later = PLACE.findall(administrator.get("/").get_data(as_text=True))
    assert sorted(later) == sorted([of_idle] * 2 + [f"{agency}keys"])


def test_the_regulator_sees_whose_data_administrator_is_not_on_file(
    portal: Portal, people: People, browser: Opened
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        bureau = factories.agency(session)
        place = f"/agencies/{bureau.id}"
        someone = factories.person(session, bureau)
        session.add(DataAdministrator(agency_id=bureau.id, person_id=someone.id, appointed_on=date(2026, 11, 2)))
    regulator = browser(people.logins[Role.REGULATOR])
    assert place in PLACE.findall(regulator.get("/").get_data(as_text=True))
    [address] = re.findall(r'action="(/people/appointments/[^"]+)"', regulator.get(place).get_data(as_text=True))
    assert regulator.post(address, {"agency": place.rpartition("/")[2]}).status_code == 303
    assert place not in PLACE.findall(regulator.get("/").get_data(as_text=True))
