"""The pages of destroying personal details: who asks, who decides, and what everybody sees afterwards."""

import re
from collections.abc import Callable

from sqlalchemy import select

from adapters.database import transaction
from audit.append import append
from audit.models import Evidence
from directory.people.roles import Role
from portal.edge import Portal
from tests.integration.portal.conftest import Browser, People

PAGE = "/evidence/destructions/"
GROUNDS = {
    "basis-kind": "LAW",
    "basis-document": "个人信息保护法",
    "basis-article": "第四十七条",
    "early_basis": "法院裁定",
    "reason": "裁定送达",
}


def test_the_logs_administrator_asks_an_auditor_decides_and_the_entry_says_so(
    portal: Portal, people: People, browser: Callable[..., Browser]
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        entry = append(session, "release.refused", "grant/x", people.actors[Role.REQUESTER], outcome="REFUSED").id
    asks, decides = browser(people.logins[Role.AUDIT_ADMINISTRATOR]), browser(people.logins[Role.AUDITOR])
    form = GROUNDS | {"entry": str(entry)}
    assert "#ask" in asks.get(f"/evidence/{entry}").get_data(as_text=True)
    assert "#ask" not in decides.get(f"/evidence/{entry}").get_data(as_text=True)
    assert decides.post(PAGE, form).status_code == 403
    assert browser(people.logins[Role.SYSTEM_ADMINISTRATOR]).get(PAGE).status_code == 403
    assert asks.post(PAGE, form | {"basis-document": ""}).status_code == 422
    assert asks.post(PAGE, form | {"early_basis": ""}).status_code == 409
    assert asks.post(PAGE, GROUNDS | {"kind": "RESIDENT_ID", "value": "11010119900307123X"}).status_code == 409
    with transaction(portal.settings.app_database_url) as session:
        tried = select(Evidence.subject).where(Evidence.kind == "personal.destruction_asked")
        assert [subject[:13] for subject in session.scalars(tried.where(Evidence.outcome == "REFUSED"))].count(
            "data_subject/"
        ) == 1
    assert asks.post(PAGE, form).status_code == 303
    own = asks.get(PAGE).get_data(as_text=True)
    assert "/confirm" not in own
    assert "destruction-" not in asks.get("/").get_data(as_text=True)
    assert "destruction-" in decides.get("/").get_data(as_text=True)
    [address] = set(re.findall(rf"{PAGE}[0-9a-f-]+/confirm", decides.get(PAGE).get_data(as_text=True)))
    assert asks.post(address).status_code == 403
    declining = decides.post(address.replace("confirm", "decline"))
    assert declining.status_code == 422
    assert 'action="' + address.replace("confirm", "decline") in declining.get_data(as_text=True)
    assert decides.post(address).status_code == 303
    assert decides.post(address).status_code == 409
    after = decides.get(f"/evidence/{entry}").get_data(as_text=True)
    assert "已销毁" in after
    assert "记录销毁的条目" in after
    assert "destruction-" not in decides.get("/").get_data(as_text=True)
    assert decides.post(f"/evidence/{entry}/personal", {"reason": "核查"}).status_code == 409
