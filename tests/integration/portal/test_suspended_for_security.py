"""What was suspended for security comes back through the operator's security administrator, and through the page."""

from collections.abc import Callable

from sqlalchemy import update

from directory.people.models import Person
from directory.people.roles import Role
from exchange.grants.models import Grant
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.world import World

TITLE = "因安全原因暂停的授权"


def test_the_operators_security_administrator_finds_and_resumes_it(
    people: People, browser: Callable[..., Browser], world: World
) -> None:
    guard = people.actors[Role.SECURITY_ADMINISTRATOR].person_id
    operator = people.actors[Role.SYSTEM_ADMINISTRATOR].agency_id
    world.session.execute(update(Person).where(Person.id == guard).values(agency_id=operator))
    page, security = f"/grants/{world.granted.id}", browser(people.logins[Role.SECURITY_ADMINISTRATOR])
    world.session.commit()
    assert security.get(page).status_code == 403
    assert TITLE not in security.get("/").get_data(as_text=True)
    world.session.execute(
        update(Grant).where(Grant.id == world.granted.id).values(state="SUSPENDED", suspended_by="SECURITY")
    )
    world.session.commit()
    desk = security.get("/").get_data(as_text=True)
    assert TITLE in desk
    assert page in desk
    shown = security.get(page)
    text = shown.get_data(as_text=True)
    assert (shown.status_code, "因该授权已暂停" in text) == (200, True)
    assert world.granted.purpose not in text
    left = security.get(f"{page}?tab=releases").get_data(as_text=True)
    assert ("<table" in left, 'class="tabs"' in left) == (False, False)
    whole = browser(people.logins[Role.AUDITOR]).get(page).get_data(as_text=True)
    assert (world.granted.purpose in whole, 'class="tabs"' in whole) == (True, True)
    answer = security.post(f"{page}/resume", {"reason": "查清了"})
    assert (answer.status_code, answer.location) == (303, "/")
    world.session.expire_all()
    assert world.session.get_one(Grant, world.granted.id).state == "ACTIVE"
    assert security.get(page).status_code == 403
