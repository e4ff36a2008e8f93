"""Searching by a person's number: who may, that each look is recorded, and that the number stays hidden."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select, text

from adapters.clock import city_date, system_now
from adapters.database import transaction
from audit.actor import Actor
from audit.append import append, configured
from audit.destruction.named import entries_naming
from audit.export import check_export
from audit.log_keys import log_keys
from audit.models import Evidence
from audit.opened import personal_details
from audit.subjects.blind import SubjectKind
from audit.subjects.compared import index_follows_entries
from audit.subjects.models import EvidenceSubject
from directory.people.roles import Role
from portal.edge import Portal
from portal.pages import subject_search
from schemas.identifiers import resident_id
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.test_api_evidence import sequenced

PERSON = "11010119900307851" + resident_id.check_digit("11010119900307851")
SEARCH = {"kind": "RESIDENT_ID", "value": PERSON, "reason": "举报核查"}


def test_an_auditor_finds_who_was_shown_a_record_and_the_look_is_recorded_without_the_number(
    portal: Portal, people: People, browser: Callable[..., Browser]
) -> None:
    requester = people.actors[Role.REQUESTER]
    with transaction(portal.settings.app_database_url) as session:
        token = configured().blind.token(SubjectKind.RESIDENT_ID, PERSON)
        for number in range(51):
            parts: dict[str, Any] = {"after": {"mode": "INTERFACE"}, "personal": {"matter": f"办件-{number}"}}
            append(session, "release.completed", f"release/{uuid.uuid4()}", requester, subjects=[token], **parts)
    auditor = browser(people.logins[Role.AUDITOR])
    auditor.get("/evidence/subject/")
    assert auditor.post("/evidence/subject/", SEARCH | {"reason": " "}).status_code == 422
    assert auditor.post("/evidence/subject/", SEARCH | {"cursor": "x"}).status_code in (400, 422)
    written = SEARCH | {"value": PERSON.lower() + " "}
    first = auditor.post("/evidence/subject/", written, headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert first.count("办件-") == 50
    cursor = first.partition('name="cursor" value="')[2].partition('"')[0]
    second = auditor.post("/evidence/subject/", written | {"cursor": cursor}).get_data(as_text=True)
    assert second.count("办件-") == 1
    with transaction(portal.settings.app_database_url) as session:
        looks = session.scalars(select(Evidence).where(Evidence.kind == "evidence.subject_searched")).all()
        assert [look.outcome for look in looks] == ["DONE", "DONE"]
        assert not [look for look in looks if PERSON.encode() in look.body or "举报".encode() in look.body]
        details = personal_details(session, [look.id for look in looks]).values()
        assert [(one["value"], one["reason"]) for one in details] == [(PERSON.lower(), "举报核查")] * 2
        named = select(EvidenceSubject.token).where(EvidenceSubject.evidence_id.in_([look.id for look in looks]))
        assert set(session.scalars(named)) == {token}


def test_nobody_but_auditors_and_the_logs_administrator_searches(
    people: People, browser: Callable[..., Browser]
) -> None:
    for role in Role:
        answer = browser(people.logins[role]).post("/evidence/subject/", SEARCH)
        assert (answer.status_code == 200) == (role in (Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)), role


def test_a_result_is_handed_out_as_a_signed_file_which_is_a_look_too(
    portal: Portal, people: People, browser: Callable[..., Browser]
) -> None:
    other = "11010119900307731" + resident_id.check_digit("11010119900307731")
    with transaction(portal.settings.app_database_url) as session:
        token = configured().blind.token(SubjectKind.RESIDENT_ID, other)
        for _ in range(3):
            about = f"release/{uuid.uuid4()}"
            append(session, "release.completed", about, people.actors[Role.REQUESTER], subjects=[token])
    sequenced(portal.settings)
    auditor, search = browser(people.logins[Role.AUDITOR]), SEARCH | {"value": other}
    auditor.get("/evidence/subject/")
    assert auditor.post("/evidence/subject/?export=csv", search | {"reason": ""}).status_code == 422
    answer = auditor.post("/evidence/subject/?export=csv", search)
    assert check_export(answer.data, log_keys(portal.settings)).startswith("the export holds: 3 rows of data_subject")
    assert other not in answer.headers["Content-Disposition"]
    with transaction(portal.settings.app_database_url) as session:
        taken = session.scalars(select(Evidence).where(Evidence.kind == "evidence.exported")).all()[-1]
        assert other.encode() not in taken.body
        assert personal_details(session, [taken.id])[taken.id]["asked"] == {"value": other, "reason": "举报核查"}
        assert next(entries_naming(session, SubjectKind.RESIDENT_ID, token, None))[0] == taken.id
        assert not [found for found in index_follows_entries(session) if str(taken.id) in found.subject]
    for role in (Role.REQUESTER, Role.SYSTEM_ADMINISTRATOR):
        assert browser(people.logins[role]).post("/evidence/subject/?export=csv", search).status_code == 403


def test_a_look_that_fails_is_recorded_and_a_text_that_is_none_is_said_to_be_so(
    portal: Portal, people: People, browser: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "11010119900307619" + resident_id.check_digit("11010119900307619")
    token = configured().blind.token(SubjectKind.RESIDENT_ID, other)
    with transaction(portal.settings.app_database_url) as session:
        about = f"release/{uuid.uuid4()}"
        entry = append(session, "release.completed", about, Actor(client_id="c00000007"), subjects=[token])
    auditor, search = browser(people.logins[Role.AUDITOR]), SEARCH | {"value": other}
    auditor.post("/language", {"language": "en"})
    assert "<code>c00000007</code>" in auditor.post("/evidence/subject/", search).get_data(as_text=True)
    with transaction(portal.settings.database_url) as session:
        falsified = text("UPDATE evidence_text SET body = 'no text' WHERE evidence_id = :id")
        session.execute(falsified, {"id": entry.id})
    page = auditor.post("/evidence/subject/", search).get_data(as_text=True)
    assert "its text has expired or cannot be read" in page
    monkeypatch.setattr(subject_search, "stated_purposes", lambda *_: 1 / 0)
    assert auditor.post("/evidence/subject/", search).status_code == 500
    with transaction(portal.settings.app_database_url) as session:
        mine = (Evidence.kind == "evidence.subject_searched", Evidence.subject == f"data_subject/{token.hex()}")
        looks = session.scalars(select(Evidence.outcome).where(*mine).order_by(Evidence.recorded_at)).all()
    assert looks == ["DONE", "DONE", "FAILED"]


def test_a_search_is_narrowed_by_days_and_the_look_says_so(
    portal: Portal, people: People, browser: Callable[..., Browser]
) -> None:
    other = "11010119900307715" + resident_id.check_digit("11010119900307715")
    with transaction(portal.settings.app_database_url) as session:
        token = configured().blind.token(SubjectKind.RESIDENT_ID, other)
        about = f"release/{uuid.uuid4()}"
        append(session, "release.completed", about, people.actors[Role.REQUESTER], subjects=[token])
    sequenced(portal.settings)
    auditor, search = browser(people.logins[Role.AUDITOR]), SEARCH | {"value": other}
    today = city_date(system_now())
    yesterday, tomorrow = str(today - timedelta(days=1)), str(today + timedelta(days=1))
    for bounds, found in (
        ({"since": str(today), "until": str(today)}, 1),
        ({"until": yesterday}, 0),
        ({"since": tomorrow}, 0),
    ):
        page = auditor.post("/evidence/subject/", search | bounds, headers={"Accept-Language": "en"})
        assert page.get_data(as_text=True).count('<td class="number">') == found, bounds
        holds = check_export(
            auditor.post("/evidence/subject/?export=csv", search | bounds).data, log_keys(portal.settings)
        )
        rows = found and found + 1  # the look itself concerns the subject
        assert holds.startswith(f"the export holds: {rows} rows")
    with transaction(portal.settings.app_database_url) as session:
        searched = select(Evidence).where(
            Evidence.kind == "evidence.subject_searched", Evidence.subject.contains(token.hex())
        )
        afters = [
            orjson.loads(each.body)["data"]["after"]
            for each in session.scalars(searched.order_by(Evidence.recorded_at))
        ]
    assert [sorted({"since", "until"} & set(each)) for each in afters] == [["since", "until"], ["until"], ["since"]]
