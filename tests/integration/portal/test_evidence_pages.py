"""The list of evidence speaks of things by their names and numbers, and leads nowhere that is closed."""

import io
import re
import uuid
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from adapters.clock import case_now, case_today, city_date, system_now
from adapters.database import transaction
from adapters.paging import encode_cursor
from audit import search as searches
from audit.actor import HUB
from audit.append import append
from audit.correction.declared import CORRECTED, subject_of
from audit.log_keys import log_keys
from audit.models import Evidence
from directory.people.roles import Role
from exchange.applications.models import Application
from exchange.grants.models import Grant
from portal import evidence_about
from portal.cli.main import shuniu
from portal.edge import Portal
from portal.evidence_kinds import EVIDENCE_KINDS
from portal.recorded_searches import LOOKS
from schemas.rule_sets import rule_set_for
from tests import factories
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.test_api_evidence import sequenced
from tests.integration.portal.world import World

Opened = Callable[..., Browser]


def exported(answer: TestResponse) -> list[str]:
    """The lines of an export's rows."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return archive.read("rows.csv").decode("utf-8-sig").splitlines()


def a_case(portal: Portal, people: People) -> tuple[str, str]:
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


def a_refusal_is_told_in_words(portal: Portal, people: People, auditor: Browser, matter: str) -> None:
    told = {"reason": "quota", "mode": "FILES", "items": []}
    with transaction(portal.settings.app_database_url) as session:
        requester = people.actors[Role.REQUESTER]
        refused = append(session, "release.refused", "grant/x", requester, outcome="REFUSED", after=told).id
    assert "已拒绝：行数限额已用完" in auditor.get(f"/evidence/{refused}").get_data(as_text=True)


def test_entries_name_what_they_are_about_and_are_found_by_number(
    portal: Portal, people: People, browser: Opened
) -> None:
    matter, number = a_case(portal, people)
    auditor = browser(people.logins[Role.AUDITOR])
    by_number = auditor.get(f"/evidence/?matter={number}", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert by_number.count(f'title="{matter}"') == 4
    assert f">{matter}<" not in by_number
    assert number in by_number
    by_link = auditor.get(f"/evidence/?matter={matter}").get_data(as_text=True)
    assert f'value="{number}"' in by_link
    assert f"/evidence/case/{matter.partition('/')[2]}" in by_link
    a_refusal_is_told_in_words(portal, people, auditor, matter)
    sequenced(portal.settings)
    rows = exported(auditor.get(f"/evidence/?subject={number}&export=csv"))
    assert len(rows) == 3
    assert all(number in row and matter in row for row in rows[1:])


def test_a_refusal_names_the_page_or_interface_in_words(world: World, browser: Opened, people: People) -> None:
    assert browser(people.logins[Role.REQUESTER]).get("/operations/").status_code == 403
    assert world.stranger.get(f"/api/v1/grants/{world.granted.id}").status_code == 403
    auditor = browser(people.logins[Role.AUDITOR])
    here = "/evidence/?kind=access.refused"
    page = auditor.get(here).get_data(as_text=True)
    assert ("页面“运行状况”" in page, "程序接口“共享授权”" in page) == (True, True)
    auditor.post("/language", {"language": "en"})
    page = auditor.get(here).get_data(as_text=True)
    assert ("Page: Operations" in page, "Interface for programs: Grants" in page) == (True, True)
    assert ">Page operations.show<" not in page


def test_the_log_itself_is_named_in_words_also_where_older_entries_have_another_row(
    portal: Portal, people: People, browser: Opened
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        append(session, "delivery.stopped", "log_stall/1", HUB)
        append(session, "witness.quorum_lost", "log_store/1", HUB)
    auditor = browser(people.logins[Role.AUDITOR])
    page = auditor.get("/evidence/").get_data(as_text=True)
    assert (">日志签名</a>" in page, ">对象存储中的日志</a>" in page) == (True, True)
    found = auditor.get("/evidence/?subject=log_stall/1").get_data(as_text=True)
    assert (">日志签名</a>" in found, ">对象存储中的日志</a>" in found) == (True, False)


def test_a_checkpoint_after_which_the_clock_was_set_back_is_named_in_words(
    portal: Portal, people: People, browser: Opened
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        append(session, CORRECTED, subject_of((5, 1_795_856_400)), HUB)
    auditor = browser(people.logins[Role.AUDITOR])
    assert ">日志检查点 5 条，签于 2026-11-28 " in auditor.get("/evidence/").get_data(as_text=True)
    auditor.post("/language", {"language": "en"})
    page = auditor.get("/evidence/?subject=log_checkpoint/5@1795856400").get_data(as_text=True)
    assert ">Checkpoint of the log of 5 entries, signed at 2026-11-28 " in page


def test_a_case_of_others_is_named_but_no_link(portal: Portal, people: People, browser: Opened) -> None:
    matter, number = a_case(portal, people)
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
    sequenced(world.portal.settings)
    rows = {row.id: row for row in world.session.scalars(select(Evidence))}
    about_grant = {row.kind for row in rows.values() if row.matter.endswith(str(world.application.id))}
    assert {"release.completed", "release.refused", "grant.opened", "application.answered"} <= about_grant

    def kinds(query: str) -> set[str]:
        return {line.split(",")[2] for line in exported(page.get(f"/evidence/?{query}&export=csv"))[1:]}

    assert kinds(f"grant={granted.number}") == {EVIDENCE_KINDS.get(kind, kind) for kind in about_grant}
    assert kinds(f"resource={code}") >= kinds(f"grant={granted.number}")
    assert f"grant/{world.standing.id}" in "".join(exported(page.get(f"/evidence/?resource={code}&export=csv")))
    assert kinds(f"grant={granted.number}&kind=release.&outcome=REFUSED") == {"Release refused"}
    assert kinds(f"grant={world.standing.number}&kind=application.") == set()
    assert kinds("grant=X-SQQ-2026-9999") == set()
    named = page.get(f"/evidence/?person={quote(auditor.name)}")
    assert auditor.name in named.get_data(as_text=True)
    unknown = page.get("/evidence/?person=Nobody&resource=NONE")
    assert "Nothing has this name or number: Nobody, NONE." in unknown.get_data(as_text=True)


def test_a_search_follows_the_newest_things_of_a_resource_and_says_where_there_are_more(
    world: World, people: People, browser: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = world.case.version.resource.code
    grants = [world.session.get_one(Grant, each.id) for each in (world.granted, world.standing)]
    page = browser(people.logins[Role.AUDITOR])
    page.client.set_cookie("shuniu_language", "en")
    assert "Not every entry is found" not in page.get(f"/evidence/?resource={code}").get_data(as_text=True)
    monkeypatch.setattr(evidence_about, "MOST_NAMES", 1)
    for newer, older in (grants, reversed(grants)):
        older.created_at, newer.created_at = system_now() - timedelta(days=2), system_now() - timedelta(days=1)
        world.session.commit()
        about = evidence_about.resource_about(world.session, code)
        assert [each for each in about.subjects if each.startswith("grant/")] == [f"grant/{newer.id}"]
        assert about.cut_off
    assert "Not every entry is found" in page.get(f"/evidence/?resource={code}").get_data(as_text=True)
    assert "Not every entry is found" not in page.get("/evidence/?resource=NONE").get_data(as_text=True)


def test_the_desk_says_where_refusals_cannot_be_searched_for(
    portal: Portal, people: People, browser: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_refusal_is_told_in_words(portal, people, browser(people.logins[Role.AUDITOR]), "")
    monkeypatch.setattr(searches, "MOST_BEHIND", 0)
    desk = browser(people.logins[Role.AUDITOR]).get("/")
    assert desk.status_code == 200
    assert "大量存证条目正等待编号" in desk.get_data(as_text=True)


@pytest.mark.parametrize("typed", ["matter=张三", "matter=张三/310101199001011234", "subject=李四/310101199001011234"])
def test_what_an_auditor_types_is_in_no_clear_text(portal: Portal, people: People, browser: Opened, typed: str) -> None:
    a_case(portal, people)
    sequenced(portal.settings)
    auditor = browser(people.logins[Role.AUDITOR])
    for more in ("", "&export=csv"):
        assert auditor.get(f"/evidence/?{typed}{more}").status_code == 200
    looks = select(Evidence.matter, Evidence.subject, Evidence.body).where(Evidence.kind.in_(LOOKS))
    with transaction(portal.settings.app_database_url) as session:
        found = session.execute(looks).all()
    assert len(found) == 2
    words = typed.partition("=")[2].split("/")
    assert not [word for row in found for word in words if word in f"{row.matter}{row.subject}{row.body.decode()}"]


def test_the_desk_shows_what_happened_and_not_who_looked(portal: Portal, people: People, browser: Opened) -> None:
    with transaction(portal.settings.app_database_url) as session:
        append(session, "grant.suspended", "grant/1", people.actors[Role.REQUESTER])
        for number in range(11):
            append(session, "evidence.entry_viewed", f"evidence/{number}", people.actors[Role.AUDIT_ADMINISTRATOR])
    desk = browser(people.logins[Role.AUDITOR]).get("/").get_data(as_text=True)
    assert "授权暂停" in desk
    assert "查看存证条目" not in desk


def test_a_search_begun_in_the_middle_and_each_entry_looked_at_are_entries(
    portal: Portal, people: People, browser: Opened
) -> None:
    matter, number = a_case(portal, people)
    sequenced(portal.settings)
    auditor, requester = browser(people.logins[Role.AUDITOR]), browser(people.logins[Role.REQUESTER])

    def written(kind: str) -> list[str]:
        with transaction(portal.settings.app_database_url) as session:
            return list(session.scalars(select(Evidence.subject).where(Evidence.kind == kind)))

    now = encode_cursor((system_now(), uuid.uuid4()))
    assert auditor.get(f"/evidence/?matter={number}&cursor={now}").status_code == 200
    assert len(written("evidence.searched")) == 1
    with transaction(portal.settings.app_database_url) as session:
        entry = session.scalars(select(Evidence.id).where(Evidence.matter == matter).limit(1)).one()
    for reader in (requester, auditor, auditor):
        for page in ("", "/entry.json", "/proof"):
            assert reader.get(f"/evidence/{entry}{page}").status_code == 200
    assert written("evidence.entry_viewed") == [f"evidence/{entry}"], "one look of the auditor, none of its own agency"


def test_an_entry_whose_text_was_falsified_is_shown_as_such(portal: Portal, people: People, browser: Opened) -> None:
    matter, _number = a_case(portal, people)
    with transaction(portal.settings.database_url) as session:
        entry = session.scalars(select(Evidence.id).where(Evidence.matter == matter).limit(1)).one()
        falsified = text("UPDATE evidence_text SET body = 'no text' WHERE evidence_id = :id")
        session.execute(falsified, {"id": entry})
    page = browser(people.logins[Role.AUDITOR]).get(f"/evidence/{entry}")
    assert page.status_code == 200
    assert "该条目的内容已被改动" in page.get_data(as_text=True)


FALSIFIED: list[str | dict[str, Any]] = [
    '{"data":{}}',
    '{"data":{"actor":{"roles":5}}}',
    "[]",
    '{"data":{"actor":[]',
    *({"authority": 7}, {"case_time": 5}, {"case_time": "x"}, {"actor": {}}, {"matter": [1]}),
    *({"case_time": f"{year}-12-31T23:59:59+00:00"} for year in ("0001", "9999", "10000")),
    {"case_time": "0001-01-01T00:00:00"},
]


def test_a_falsified_text_takes_no_page_and_no_timeline_away(world: World, browser: Opened) -> None:
    agency, matter = factories.agency(world.session), f"application/{world.application.id}"
    factories.account(world.session, factories.person(world.session, agency, Role.AUDITOR), "auditor")
    now = case_now(world.session)
    appended = [
        append(world.session, "application.amended", matter, world.case.asks, matter=matter, case_time=now).id
        for _ in FALSIFIED
    ]
    world.session.commit()
    sequenced(world.portal.settings)
    with transaction(world.portal.settings.database_url) as session:
        for entry, change in zip(appended, FALSIFIED, strict=True):
            body = change if isinstance(change, str) else ""
            if not isinstance(change, str):
                said = orjson.loads(session.get_one(Evidence, entry).body)
                body = orjson.dumps(said | {"data": said["data"] | change}).decode()
            falsify = text("UPDATE evidence_text SET body = convert_to(:body, 'UTF8') WHERE evidence_id = :id")
            session.execute(falsify, {"body": body, "id": entry})
    page = browser("auditor")
    page.client.set_cookie("shuniu_language", "en")
    shown = []
    for entry in appended:
        answer = page.get(f"/evidence/{entry}")
        assert answer.status_code == 200
        shown.append("is no entry any more" in answer.get_data(as_text=True))
    earliest = FALSIFIED.index({"case_time": "0001-12-31T23:59:59+00:00"})
    assert [place for place, falsified in enumerate(shown) if not falsified] == [earliest], "a moment, if a false one"
    case = f"/evidence/case/{world.application.id}"
    timeline = page.get(case)
    assert timeline.status_code == 200
    assert all(f"/evidence/{entry}" in timeline.get_data(as_text=True) for entry in appended)
    assert len(exported(page.get(f"{case}?export=csv"))) > len(FALSIFIED)


def test_an_auditors_search_and_export_are_entries_and_the_file_is_checked_without_the_hub(
    portal: Portal, people: People, browser: Opened, tmp_path: Path
) -> None:
    _, number = a_case(portal, people)
    sequenced(portal.settings)
    auditor = browser(people.logins[Role.AUDITOR])
    for path in (
        "",
        f"?matter={number}",
        f"?matter={number}",
        f"?matter={number}&cursor=",
        "?person=310115199001011234",
    ):
        assert auditor.get(f"/evidence/{path}").status_code == 200
    assert browser(people.logins[Role.REQUESTER]).get("/evidence/?kind=account.").status_code == 200
    file = tmp_path / "export.zip"
    file.write_bytes(auditor.get(f"/evidence/?matter={number}&export=xlsx").data)
    with transaction(portal.settings.app_database_url) as session:
        searched = select(Evidence.body).where(Evidence.kind == "evidence.searched").order_by(Evidence.recorded_at)
        first, second = (orjson.loads(body)["data"] for body in session.scalars(searched))
        taken = session.scalars(select(Evidence.id).where(Evidence.kind == "evidence.exported")).one()
    assert list(first["after"]["asked"]) == ["matter"]
    assert (second["after"]["asked"], second["after"]["unknown"]) == ({}, ["person"])
    assert "310115199001011234" not in str(second)
    (tmp_path / "keys").write_text(str(log_keys(portal.settings)))
    check = ["audit", "check", str(file), "--key", str(tmp_path / "keys")]
    whole = CliRunner().invoke(shuniu, check, env={})
    assert 'the export holds: 2 rows of search, asked {"matter":"application/' in whole.output
    assert f"(entry {taken})" in whole.output
    file.write_bytes(file.read_bytes().replace(b"\x00", b"\x01", 1))
    assert CliRunner().invoke(shuniu, check, env={}).exit_code != 0


def test_a_cases_timeline_and_an_agencys_month_are_pages_and_signed_files(world: World, browser: Opened) -> None:
    assert world.look_up(world.asks).status_code == 200
    agency, stranger = factories.agency(world.session), factories.agency(world.session)
    factories.account(world.session, factories.person(world.session, agency, Role.AUDITOR), "auditor")
    factories.account(world.session, factories.person(world.session, stranger, Role.REQUESTER), "stranger")
    matter, later = f"application/{world.application.id}", case_now(world.session) + timedelta(days=21)
    for told in (later, None, later):
        append(world.session, "application.amended", matter, world.case.asks, matter=matter, case_time=told)
    world.session.commit()
    sequenced(world.portal.settings)
    page, other = browser("auditor"), browser("stranger")
    for each in (page, other):
        each.client.set_cookie("shuniu_language", "en")
    case, month = f"/evidence/case/{world.application.id}", f"/evidence/taken?agency={world.case.requester.credit_code}"
    assert other.get(case).status_code == 403
    assert "Nothing left for this agency" in other.get(month).get_data(as_text=True)
    timeline = page.get(case).get_data(as_text=True)
    assert "Application answered" in timeline
    assert "in time" in timeline
    assert len(re.findall(r'<td class="number">\+[1-9]', timeline)) == 1
    assert timeline.count(f"case clock {city_date(later)}") == 2
    assert f"Under the grant {world.granted.number} data left 1 times, 2 rows in all." in timeline
    assert any("Grant opened" in line for line in exported(page.get(f"{case}?export=csv")))
    taken = exported(page.get(f"{month}&export=csv"))
    assert len(taken) == 2
    assert taken[1].split(",")[2:6] == [world.granted.number, "Interface", "1", "2"]
    assert world.granted.number in page.get(month).get_data(as_text=True)
    assert "Nothing left for this agency" in page.get(f"{month}&month=2020-01").get_data(as_text=True)
    for odd in ("9999-12", "0001-01", "2026-13", "x"):
        assert page.get(f"{month}&month={odd}").status_code == 200
    assert page.get("/").get_data(as_text=True).count("State of the evidence log") == 1


def test_a_long_case_goes_on_to_its_last_step_on_the_page_and_in_the_export(world: World, browser: Opened) -> None:
    agency = factories.agency(world.session)
    factories.account(world.session, factories.person(world.session, agency, Role.AUDITOR), "auditor")
    matter, later = f"application/{world.application.id}", case_now(world.session) + timedelta(days=21)
    for number in range(620):
        told = later if number == 0 else None
        append(world.session, "application.amended", matter, world.case.asks, matter=matter, case_time=told)
    append(world.session, "grant.suspended", f"grant/{world.granted.id}", world.case.asks, matter=matter)
    world.session.commit()
    sequenced(world.portal.settings)
    page = browser("auditor")
    page.client.set_cookie("shuniu_language", "en")
    case = f"/evidence/case/{world.application.id}"
    first = page.get(case).get_data(as_text=True)
    assert first.count("Log proof<span") == 500
    assert "Grant suspended" not in first
    assert "The case has more steps." in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = page.get(following[1].replace("&amp;", "&")).get_data(as_text=True)
    assert "Grant suspended" in second
    assert "The case has more steps." not in second
    assert not re.search(r'<td class="number">\+[1-9]', second)
    lines = exported(page.get(f"{case}?export=csv"))
    assert len(lines) - 1 == 500 + second.count("Log proof<span")
    assert "Grant suspended" in lines[-1]
    assert len({line.split(",")[-2] for line in lines}) == len(lines)
    for odd in (
        "x",
        encode_cursor((system_now(), uuid.uuid4(), 10**9)),
        encode_cursor((system_now().replace(year=1), uuid.uuid4(), 0)),
    ):
        assert page.get(f"{case}?cursor={odd}").status_code == 400


def test_a_person_or_an_agency_is_a_subject_by_name_or_code_where_there_is_one_such(
    portal: Portal, people: People, browser: Opened
) -> None:
    with transaction(portal.settings.app_database_url) as session:
        agency = factories.agency(session)
        named = factories.person(session, agency)
        named.name = "欧阳独一"
        for _each in range(2):
            factories.person(session, agency).name = "欧阳成双"
        append(session, "person.registered", f"person/{named.id}", people.actors[Role.REGULATOR])
        append(session, "agency.registered", f"agency/{agency.id}", people.actors[Role.REGULATOR])
        code, person_id, agency_id = agency.credit_code, named.id, agency.id
    auditor = browser(people.logins[Role.AUDITOR])
    assert f'title="person/{person_id}"' in auditor.get("/evidence/?subject=欧阳独一").get_data(as_text=True)
    assert f'title="agency/{agency_id}"' in auditor.get(f"/evidence/?subject={code}").get_data(as_text=True)
    assert 'title="person/' not in auditor.get("/evidence/?subject=欧阳成双").get_data(as_text=True)
    official = browser(people.logins[Role.REQUESTER]).get("/evidence/?subject=欧阳独一").get_data(as_text=True)
    assert str(person_id) not in official
