"""An auditor's look is an entry: each person's own, again after ten minutes, and none about looks themselves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from adapters.database import transaction
from audit.append import append
from audit.models import Evidence
from directory.people.roles import Role
from portal import recorded_searches
from portal.edge import Portal
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.test_evidence_pages import a_case

Opened = Callable[..., Browser]


def written(portal: Portal, kind: str) -> list[str]:
    """Subjects of the entries of a kind."""
    with transaction(portal.settings.app_database_url) as session:
        return list(session.scalars(select(Evidence.subject).where(Evidence.kind == kind)))


def test_every_readers_look_and_search_is_one_of_their_own_and_again_after_ten_minutes(
    portal: Portal, people: People, browser: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        entry, other = (append(session, "need.raised", f"need/{n}", people.actors[Role.REQUESTER]).id for n in range(2))
        look = append(session, "evidence.searched", "search/x", people.actors[Role.COORDINATOR]).id
    readers = [browser(people.logins[role]) for role in (Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)]
    for reader in readers:
        for path in (f"{entry}", f"{entry}", f"{other}", f"{look}", "?kind=need.", "?kind=need.", "?kind=agency."):
            assert reader.get(f"/evidence/{path}").status_code == 200
    looks = sorted(2 * [f"evidence/{entry}", f"evidence/{other}"])
    assert sorted(written(portal, "evidence.entry_viewed")) == looks
    assert len(written(portal, "evidence.searched")) == 1 + 2 * 2
    monkeypatch.setattr(recorded_searches, "AGAIN", timedelta(0))
    for path in (f"{entry}", "?kind=need."):
        assert readers[0].get(f"/evidence/{path}").status_code == 200
    assert sorted(written(portal, "evidence.entry_viewed")) == sorted([*looks, f"evidence/{entry}"])
    assert len(written(portal, "evidence.searched")) == 1 + 2 * 2 + 1


def test_who_reads_no_foreign_evidence_opens_none_and_leaves_no_look(
    portal: Portal, people: People, browser: Opened
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        entry = append(session, "need.raised", "need/x", people.actors[Role.COORDINATOR]).id
    requester = browser(people.logins[Role.REQUESTER])
    for page in ("", "/entry.json", "/proof"):
        assert requester.get(f"/evidence/{entry}{page}").status_code in (403, 404)
    assert requester.get("/evidence/?kind=need.").status_code == 200
    matter, _number = a_case(portal, people)
    with transaction(portal.settings.app_database_url) as session:
        of_office = Evidence.kind == "dispute.concluded"
        conclusion = session.scalars(select(Evidence.id).where(Evidence.matter == matter, of_office)).one()
    assert requester.get(f"/evidence/{conclusion}").status_code == 200, "the office's entry about their own case"
    assert requester.post(f"/evidence/{entry}/personal", {"reason": "核查"}).status_code == 403
    assert written(portal, "evidence.entry_viewed") == written(portal, "evidence.searched") == []
