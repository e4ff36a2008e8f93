"""The list of evidence speaks of things by their names and numbers, and leads nowhere that is closed."""

from collections.abc import Callable
from urllib.parse import quote

from sqlalchemy import select

from adapters.clock import case_today
from adapters.database import transaction
from audit.append import append
from audit.models import Evidence
from directory.people.roles import Role
from exchange.applications.models import Application
from portal.edge import Portal
from portal.evidence_kinds import EVIDENCE_KINDS
from schemas.rule_sets import rule_set_for
from tests import factories
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.world import World

Opened = Callable[..., Browser]


def numbered(portal: Portal, people: People) -> tuple[str, str]:
    """An application of the requester with entries of its own and of the coordinating office: its matter and number."""
    requester = people.actors[Role.REQUESTER]
    with transaction(portal.settings.app_database_url) as session:
        version = factories.published_resource(session, factories.agency(session))
        today = case_today(session)
        number = f"SWJ-SQ-2026-{requester.agency_code[-6:-2]}"
        application = Application(
            state="FORM_GENERATED",
            number=number,
            requester_id=requester.agency_id,
            provider_id=version.resource.agency_id,
            resource_version_id=version.id,
            scope="征管科",
            purpose="核对",
            duty="法",
            modes=["INTERFACE"],
            term_to=today,
            rule_set=rule_set_for(today).key,
            applied_by=requester.person_id,
        )
        session.add(application)
        session.flush()
        matter = f"application/{application.id}"
        append(session, "application.handed_over", matter, requester, matter=matter)
        append(session, "dispute.concluded", matter, people.actors[Role.COORDINATOR], matter=matter)
    return matter, number


def test_entries_name_what_they_are_about_and_are_found_by_number(
    portal: Portal, people: People, browser: Opened
) -> None:
    matter, number = numbered(portal, people)
    auditor = browser(people.logins[Role.AUDITOR])
    by_number = auditor.get(f"/evidence/?matter={number}", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert by_number.count(f'title="{matter}"') == 4
    assert f">{matter}<" not in by_number
    assert number in by_number
    rows = auditor.get(f"/evidence/?subject={number}&export=csv").get_data(as_text=True).splitlines()
    assert len(rows) == 3
    assert all(number in row and matter in row for row in rows[1:])


def test_a_case_of_others_is_named_but_no_link(portal: Portal, people: People, browser: Opened) -> None:
    matter, number = numbered(portal, people)
    office = browser(people.logins[Role.COORDINATOR]).get("/evidence/").get_data(as_text=True)
    assert number in office
    assert f"matter={matter.replace('/', '%2F')}" not in office
    assert f"matter={matter}" not in office
    party = browser(people.logins[Role.REQUESTER]).get("/evidence/").get_data(as_text=True)
    assert f"matter={matter}" in party


def test_a_number_that_nobody_has_finds_nothing(people: People, browser: Opened) -> None:
    page = browser(people.logins[Role.REQUESTER])
    answer = page.get("/evidence/?matter=XXX-SQ-2026-9999")
    assert answer.status_code == 200
    assert "account." not in answer.get_data(as_text=True).partition("<table")[2]


def test_a_resource_or_grant_finds_every_entry_about_it(world: World, browser: Opened) -> None:
    granted, code = world.granted, world.case.version.resource.code
    assert world.look_up(world.asks).status_code == 200
    assert world.look_up(world.asks, purpose="something else").status_code == 403
    auditor = factories.person(world.session, factories.agency(world.session), Role.AUDITOR)
    factories.account(world.session, auditor, "auditor")
    world.session.commit()
    page = browser("auditor")
    page.client.set_cookie("shuniu_language", "en")
    rows = {row.id: row for row in world.session.scalars(select(Evidence))}
    about_grant = {row.kind for row in rows.values() if row.matter.endswith(str(world.application.id))}
    assert {"release.completed", "release.refused", "grant.opened", "application.answered"} <= about_grant

    def kinds(query: str) -> set[str]:
        lines = page.get(f"/evidence/?{query}&export=csv")
        return {line.split(",")[2] for line in lines.get_data(as_text=True).splitlines()[1:]}

    assert kinds(f"grant={granted.number}") == {EVIDENCE_KINDS.get(kind, kind) for kind in about_grant}
    assert kinds(f"resource={code}") >= kinds(f"grant={granted.number}")
    assert f"grant/{world.standing.id}" in page.get(f"/evidence/?resource={code}&export=csv").get_data(as_text=True)
    assert kinds(f"grant={granted.number}&kind=release.&outcome=REFUSED") == {"Release refused"}
    assert kinds(f"grant={world.standing.number}&kind=application.") == set()
    assert kinds("grant=X-SQQ-2026-9999") == set()
    named = page.get(f"/evidence/?person={quote(auditor.name)}")
    assert auditor.name in named.get_data(as_text=True)
    unknown = page.get("/evidence/?person=Nobody&resource=NONE")
    assert "Nothing has this name or number: Nobody, NONE." in unknown.get_data(as_text=True)
