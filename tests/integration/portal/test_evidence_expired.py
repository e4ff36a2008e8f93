"""An entry whose archive has expired: its page shows its columns, its proof goes on being handed out."""

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from adapters.database import transaction
from audit.actor import Actor
from audit.append import append
from directory.people.roles import Role
from portal.edge import Portal
from portal.pages import evidence
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.test_api_evidence import expired, sequenced


def test_an_expired_entry_is_shown_by_its_columns_and_proved(
    portal: Portal, people: People, browser: Callable[..., Browser]
) -> None:
    settings = portal.settings
    with transaction(settings.app_database_url) as session:
        entry = append(session, "grant.suspended", "grant/1", people.actors[Role.REQUESTER], personal={"name": "张三"})
    sequenced(settings)
    auditor = browser(people.logins[Role.AUDITOR])
    auditor.post("/language", {"language": "en"})
    here = f"/evidence/{entry.id}"
    proof = auditor.get(f"{here}/proof").data
    with transaction(settings.database_url) as session:
        expired(session, entry.id)
    answer = auditor.get(here)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "was deleted when its period of keeping was over" in page
    assert ("Grant suspended" in page, entry.leaf_hash.hex()[:8] in page) == (True, True)
    assert ("Download the proof" in page, "Download the entry" in page, "Open them" in page) == (True, False, False)
    assert auditor.get(f"{here}/proof").data == proof
    assert auditor.get(f"{here}/entry.json").status_code == 409
    assert browser(people.logins[Role.SYSTEM_ADMINISTRATOR]).get(here).status_code == 403


def test_the_list_names_programs_and_loads_no_case_for_who_reads_all(
    portal: Portal, people: People, browser: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        for _ in range(3):
            matter = f"application/{uuid.uuid4()}"
            append(session, "release.completed", "release/1", Actor(client_id="c00000009"), matter=matter)
    asked: list[str] = []

    def codes(_: Session, matter: str) -> set[str]:
        asked.append(matter)
        return set()

    monkeypatch.setattr(evidence, "codes_of_case", codes)
    page = browser(people.logins[Role.AUDITOR]).get("/evidence/").get_data(as_text=True)
    assert page.count("<code>c00000009</code>") == 3
    assert [matter for matter in asked if matter] == [], "not one statement for each case"
