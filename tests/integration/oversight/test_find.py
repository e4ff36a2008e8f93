"""Planted misuse among steady use: each rule finds its own, once, and nothing else."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import CITY_ZONE, CaseClock, system_now
from adapters.errors import Conflict, InvalidInput, NotAllowed
from adapters.services.databases import connect
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append
from audit.models import Evidence
from audit.reconcile import registered
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.resume import resume
from oversight.anomalies.decide import dismiss, note_acted, suspend_for
from oversight.anomalies.find import find
from oversight.anomalies.models import Anomaly, AnomalyRuleChange, GrantUse, LookedThrough, Remembered
from oversight.anomalies.places import place_of
from oversight.anomalies.queries import standing_still
from oversight.anomalies.record import Found, record
from oversight.anomalies.rules import change_rule, rules_in_force
from oversight.anomalies.scoring import EXPLANATION_MESSAGES, Unusual
from portal.wiring import wire
from schemas.anomaly_rules import Rule
from tests import factories
from tests.integration.conftest import DATABASE_SETTINGS, create_database, drop_database
from tests.integration.oversight.planted import Planted, plant, working_hours_elsewhere


@pytest.fixture(scope="module")
def planted(services: dict[str, str]) -> Iterator[Planted]:
    """One database for all of these tests; each has grants of its own."""
    name = f"test_{uuid.uuid4().hex}"
    with connect(services["SHUNIU_DATABASE_URL"]) as connection:
        create_database(connection, name)
        moved = {
            key: make_url(services[key]).set(database=name).render_as_string(hide_password=False)
            for key in DATABASE_SETTINGS
        }
        settings = Settings.load(services | moved)
        wire(settings)
        with Session(create_engine(settings.app_database_url, poolclass=NullPool), expire_on_commit=False) as session:
            yield plant(settings, session)
        drop_database(connection, name)


def test_every_rule_finds_what_was_planted_and_nothing_of_the_steady(planted: Planted) -> None:
    session, within = planted.session, working_hours_elsewhere(planted)
    steady, tried = planted.grant("steady", 20), planted.grant("tried", 20)
    stretched, night = planted.grant("stretched"), planted.grant("night", 30, within)
    odd, places, idle = planted.grant("odd", 20), planted.grant("places"), planted.grant("idle")
    program = factories.client(session, planted.case.requester)
    for number in range(5):
        planted.call(steady, matter=f"办件-{number}", key=f"{number * 7_919}")
    for number in range(15):
        planted.call(tried, matter=f"办件-{number}", key=f"310101{number:03d}", rows=number % 2)
    for number in range(11):
        planted.call(stretched, key=f"{number * 7_919}")
    for _ in range(3):
        planted.call(night)
        planted.refused(odd, purpose="别的用途")
        planted.call(odd, matter="X.1")
    for _ in range(6):
        planted.refused(odd, program, items=("open_1",))
    for address in ("192.0.2.7", "198.51.100.9", "192.0.2.8"):
        planted.call(places, replace(planted.case.asks_signs, address=address))
    session.get_one(CaseClock, 1).offset_seconds += 100 * 86_400
    writing = {"forms": {"文-9": "2026-01-01"}}
    session.add(Remembered(name=f"grant/{odd.id}/{planted.case.requester.id}", content=writing))
    new = planted.find()
    assert planted.found(steady, tried, stretched, night, odd, places, idle) == {
        "volume.calls": ["tried"],
        "keys.in_order": ["tried"],
        "hour": ["night"],
        "matter.stretched": ["stretched"],
        "matter.strange": ["odd"],
        "matter.purpose": ["odd"],
        "refused": ["odd"],
        "places": ["places"],
        "unused": ["idle"],
    }
    assert new == 9
    assert planted.one("keys.in_order", tried).measured["value"] == 15
    assert planted.one("refused", odd).client_id == program.client_id
    assert planted.one("places", places).person_id == planted.case.asks_signs.person_id
    _each_is_explained_once(planted)


def test_a_grant_used_once_a_month_is_compared_with_its_year(planted: Planted) -> None:
    grant = planted.grant("monthly")
    now = system_now().astimezone(CITY_ZONE).replace(minute=0, second=0, microsecond=0)
    for month in range(1, 8):
        use = {"grant_id": grant.id, "agency_id": planted.case.requester.id, "hour": now - timedelta(days=31 * month)}
        planted.session.add(GrantUse(**use, calls=4, rows=4))
    for number in range(9):
        planted.call(grant, matter=f"办件-{number}", key="一把")
    planted.find()
    assert planted.found(grant)["volume.calls"] == ["monthly"]
    assert planted.one("volume.calls", grant).measured["usual"] == 4


def test_keys_tried_through_a_few_a_day_are_found_with_the_next_use(planted: Planted) -> None:
    session, slow, busy = planted.session, planted.grant("slow"), planted.grant("busy")
    for number in range(30):
        if number % 3:
            planted.call(slow, matter=f"办件-{number}", key=f"310101{number:03d}", rows=0)
        planted.call(busy, matter=f"办件-{number}", key=f"310101{number:03d}")
        planted.call(busy, matter=f"办件-{number}", key=f"{number * 7_919}", rows=0)
    yesterday = system_now() - timedelta(days=1)
    mine = ReleaseRecord.grant_id.in_([slow.id, busy.id])
    session.execute(update(ReleaseRecord).where(mine).values(authorised_at=yesterday))
    planted.find()
    day = yesterday.astimezone(CITY_ZONE).date()
    assert planted.found(slow, busy) == {"keys.slow": ["slow"]}
    found = planted.one("keys.slow", slow)
    days = {"since": day.replace(day=1).isoformat(), "until": day.isoformat()}
    assert (found.measured, len(found.entries)) == ({"value": 20, "runs": 20, **days}, 20)
    planted.call(slow, key="310101999", rows=0)
    planted.find()
    assert planted.found(slow) == {"keys.slow": ["slow"]}


def test_an_account_at_a_strange_network_is_found(planted: Planted) -> None:
    grant, program = planted.grant("abroad"), factories.client(planted.session, planted.case.requester)
    begun = system_now() - timedelta(days=30)
    usual = {"places": {place_of("192.0.2.7"): [begun.isoformat(), system_now().isoformat(), 20]}}
    planted.session.add(Remembered(name=f"client/{program.client_id}", content=usual))
    for address in ("192.0.2.9", "203.0.113.5", "203.0.113.6"):
        planted.call(grant, replace(program, address=address))
    planted.find()
    assert planted.found(grant)["places.new"] == ["abroad"]
    assert planted.one("places.new", grant).client_id == program.client_id


def _each_is_explained_once(planted: Planted) -> None:
    session = planted.session
    known = {str(entry.id) for entry in session.scalars(select(Evidence))}
    rows = session.scalars(select(Anomaly)).all()
    for row in rows:
        assert 1 <= len(row.entries) <= 20
        assert set(row.entries) <= known
        assert 0 < row.score <= 100
        assert EXPLANATION_MESSAGES[row.finding].format(**row.measured)
    assert planted.find() == 0
    assert len(planted.entries("anomaly.found")) == len(rows) == session.scalar(select(func.count(Anomaly.id)))
    kept = json.dumps([row.content for row in session.scalars(select(Remembered))], ensure_ascii=False)
    assert "192.0.2" not in kept
    assert "310101" not in kept
    told = {name: list(reconcile(session)) for name, reconcile in registered().items() if name.startswith("anomaly")}
    assert len(told) == 10
    assert set(map(tuple, told.values())) == {()}
    for name, behind in (
        ("anomaly-looked-through", update(LookedThrough).values(size=999_999_999)),
        ("anomaly-content", update(Anomaly).values(grant_id=None)),
        ("anomaly-content", update(Anomaly).where(Anomaly.finding == "hour").values(key="another")),
        ("anomaly-weight", update(Anomaly).values(score=1)),
        ("anomaly-weight", update(Anomaly).values(measured={})),
        ("anomaly-weight", update(Anomaly).values(entries=[])),
        ("anomaly-weight", update(Anomaly).values(last_seen=system_now())),
        ("anomaly-weight", update(Anomaly).values(reason="已查")),
        ("anomaly-deeds", update(Anomaly).values(found_at=system_now() - timedelta(days=9))),
        ("anomaly", update(Anomaly).values(id=func.gen_random_uuid())),
        ("anomaly-entries", update(Anomaly).values(id=func.gen_random_uuid())),
    ):
        with session.begin_nested() as changed:
            session.execute(behind, execution_options={"synchronize_session": False})
            session.expire_all()
            assert list(registered()[name](session)), name
            changed.rollback()
        session.expire_all()


def used(planted: Planted, name: str) -> Grant:
    """A grant used far more than usual, which is found."""
    grant = planted.grant(name, 10)
    for number in range(9):
        planted.call(grant, matter=f"办件-{number}", key="一把")
    planted.find()
    assert planted.found(grant)["volume.calls"] == [name]
    return grant


def test_what_a_crash_undid_is_looked_through_again_and_what_is_open_grows(planted: Planted) -> None:
    grant, session = used(planted, "crash"), planted.session
    first = planted.one("volume.calls", grant).score
    for number in range(9):
        planted.call(grant, matter=f"办件-{number}", key="一把")
    planted.sequence()
    find(session)
    session.rollback()
    assert planted.find() == 0
    found = planted.one("volume.calls", grant)
    assert found.score > first
    grown = [
        json.loads(each.body)["data"]
        for each in planted.entries("anomaly.grown")
        if each.subject.endswith(str(found.id))
    ]
    assert [each["after"]["score"] for each in grown] == [found.score]
    assert list(registered()["anomaly-weight"](session)) == []
    assert session.scalar(select(func.sum(GrantUse.calls)).where(GrantUse.grant_id == grant.id)) == 40 + 18


def test_what_scores_no_higher_is_written_down_anew_after_an_hour(planted: Planted) -> None:
    grant, session = used(planted, "again"), planted.session
    row = planted.one("volume.calls", grant)
    for minutes, times in ((10, 0), (70, 1), (75, 1)):
        again = Found(
            row.key,
            rules_in_force(session)[Rule.VOLUME],
            Unusual(row.finding, row.score, {"value": minutes}),
            row.entries,
            row.first_seen,
            row.first_seen + timedelta(minutes=minutes),
        )
        assert record(session, [again]) == 0
        session.commit()
        assert len([each for each in planted.entries("anomaly.grown") if each.subject == f"anomaly/{row.id}"]) == times
        assert list(registered()["anomaly-weight"](session)) == []
    assert row.measured == {"value": 70}


def test_the_auditor_suspends_for_it_and_security_resumes(planted: Planted) -> None:
    session, grant = planted.session, used(planted, "suspended")
    found = planted.one("volume.calls", grant)
    for actor in (planted.case.asks, planted.case.answers, planted.administrator, planted.security):
        with pytest.raises(NotAllowed):
            suspend_for(session, actor, found.id, reason="超量")
    with pytest.raises(InvalidInput):
        suspend_for(session, planted.auditor, found.id, reason=" ")
    session.rollback()
    suspend_for(session, planted.auditor, found.id, reason="超量")
    session.commit()
    assert (found.state, grant.state, grant.suspended_by) == ("ACTED", "SUSPENDED", "SECURITY")
    [entry] = [each for each in planted.entries("grant.suspended") if each.subject == f"grant/{grant.id}"]
    assert json.loads(entry.body)["data"]["authority"] == f"anomaly/{found.id}"
    assert "超量" not in entry.body.decode()
    planted.refused(grant)
    for actor in (planted.auditor, planted.case.answers):
        with pytest.raises(NotAllowed):
            resume(session, actor, grant.id, reason="误报")
    session.rollback()
    assert resume(session, planted.security, grant.id, reason="误报").state == "ACTIVE"
    with pytest.raises(Conflict):
        dismiss(session, planted.auditor, found.id, reason="误报")
    session.rollback()


def test_what_was_dismissed_stays_so_and_is_not_found_again(planted: Planted) -> None:
    grant = used(planted, "dismissed")
    dismiss(planted.session, planted.auditor, planted.one("volume.calls", grant).id, reason="年度核查")
    planted.call(grant, matter="办件-77")
    assert planted.find() == 0
    found = planted.one("volume.calls", grant)
    assert (found.state, found.measured["value"], found.decided_by) == ("DISMISSED", 9, planted.auditor.person_id)
    assert [entry.subject for entry in planted.entries("anomaly.dismissed")] == [f"anomaly/{found.id}"]


def test_what_is_being_dismissed_does_not_grow_meanwhile(planted: Planted) -> None:
    grant = used(planted, "meanwhile")
    found = planted.one("volume.calls", grant)
    for number in range(9):
        planted.call(grant, matter=f"办件-{number}", key="一把")
    planted.sequence()
    with Session(create_engine(planted.settings.app_database_url, poolclass=NullPool)) as other:
        dismiss(other, planted.auditor, found.id, reason="年度核查")
        seeker = threading.Thread(target=planted.find)
        seeker.start()
        time.sleep(0.5)
        other.commit()
        seeker.join()
    found = planted.one("volume.calls", grant)
    assert (found.state, found.measured["value"]) == ("DISMISSED", 9)


def test_something_else_was_done_where_no_grant_is_left_to_suspend(planted: Planted) -> None:
    session, grant = planted.session, used(planted, "twice")
    volume = planted.one("volume.calls", grant)
    for _ in range(5):
        planted.refused(grant, items=("open_1",))
    planted.find()
    refused = planted.one("refused", grant)
    suspend_for(session, planted.auditor, volume.id, reason="超量")
    with pytest.raises(Conflict):
        suspend_for(session, planted.auditor, refused.id, reason="超量")
    session.rollback()
    suspend_for(session, planted.auditor, volume.id, reason="超量")
    assert standing_still(session, [volume, refused]) == {grant.id: "SUSPENDED"}
    for actor, reason, error in ((planted.administrator, "已停", NotAllowed), (planted.auditor, " ", InvalidInput)):
        with pytest.raises(error):
            note_acted(session, actor, refused.id, reason=reason)
    note_acted(session, planted.auditor, refused.id, reason="已停")
    session.commit()
    assert (refused.state, refused.decided_by) == ("ACTED", planted.auditor.person_id)
    told = [list(reconcile(session)) for name, reconcile in registered().items() if name.startswith("anomaly")]
    weighed = registered()["anomaly-weight"]
    grown: list[dict[str, object]] = [
        {"score": 1},
        {"measured": {}},
        {"entries": []},
        {"last_seen": system_now()},
        {"reason": "x"},
    ]
    for changed in grown:
        session.execute(update(Anomaly).where(Anomaly.id == refused.id).values(**changed))
        assert [each.subject.partition("/")[0] for each in weighed(session)], changed
        session.rollback()
    session.execute(update(Anomaly).where(Anomaly.id == refused.id).values(decided_by=planted.case.asks.person_id))
    assert [each.subject for each in registered()["anomaly-deeds"](session)] == [f"anomaly/{refused.id}"]
    session.rollback()
    assert not any(told)


def test_calls_under_the_grant_of_another_say_nothing_of_that_grant(planted: Planted) -> None:
    grant, stranger = planted.grant("innocent"), factories.agency(planted.session, "市外局")
    program = factories.client(planted.session, stranger)
    planted.session.commit()
    for _ in range(6):
        planted.refused(grant, program)
    planted.find()
    [found] = planted.session.scalars(select(Anomaly).where(Anomaly.client_id == program.client_id))
    assert (found.finding, found.agency_id, found.grant_id) == ("refused", stranger.id, None)


def test_callers_whom_nobody_knows_make_no_anomaly_and_no_memory(planted: Planted) -> None:
    planted.find()
    counted = select(func.count(Anomaly.id)), select(func.count()).select_from(Remembered)
    before = [planted.session.scalar(count) for count in counted]
    for number in range(40):
        stranger = Actor(address=f"203.0.113.{number}")
        for kind, noun in (("account.sign_in_refused", "account"), ("client.token_issued", "client")):
            append(planted.session, kind, f"{noun}/{uuid.uuid4()}", stranger, outcome="REFUSED")
    assert planted.find() == 0
    assert [planted.session.scalar(count) for count in counted] == before


def test_a_pass_is_bounded_and_a_falsified_text_does_not_stop_it(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.find()
    grant = planted.grant("bounded", 10)
    for number in range(9):
        planted.call(grant, matter=f"办件-{number}", key="一把")
    bad = append(planted.session, "release.refused", f"grant/{grant.id}", planted.case.asks, outcome="REFUSED")
    planted.sequence()
    with connect(planted.settings.database_url) as owner:
        owner.execute("UPDATE evidence_text SET body = 'x' WHERE evidence_id = %s", [bad.id])
    monkeypatch.setattr("oversight.anomalies.find.CHUNK", 4)
    through = planted.session.get_one(LookedThrough, 1)
    first = through.size
    assert find(planted.session).more
    planted.session.commit()
    assert through.size == first + 4
    planted.find()
    assert planted.found(grant)["volume.calls"] == ["bounded"]


def test_a_standing_grant_is_not_the_auditors_to_stop(planted: Planted) -> None:
    standing = planted.session.scalars(select(Grant).where(Grant.requester_id.is_(None))).one()
    planted.names[standing.id] = "standing"
    planted.history(standing, 10, None)
    for number in range(9):
        planted.call(standing, field="open_1", purpose="核验", matter=f"办件-{number}")
    planted.find()
    with pytest.raises(NotAllowed):
        suspend_for(planted.session, planted.auditor, planted.one("volume.calls", standing).id, reason="超量")
    planted.session.rollback()


def test_a_rule_that_is_off_finds_nothing_and_who_may_switch_it(planted: Planted) -> None:
    session, body = planted.session, {"on": False, "figures": {}, "reason": "迁移期间"}
    for actor in (planted.auditor, planted.security, planted.case.answers):
        with pytest.raises(NotAllowed):
            change_rule(session, actor, Rule.KEYS, body)
    for wrong in ({"reason": ""}, {"figures": {"keys": 1}}, {"figures": {"colour": 1}}, {"figures": {"keys": True}}):
        with pytest.raises(InvalidInput):
            change_rule(session, planted.administrator, Rule.KEYS, body | wrong)
    session.rollback()
    planted.set(Rule.KEYS, on=False)
    planted.set(Rule.KEYS, on=False, figures={"weight": 9})
    session.flush()
    content = registered()["anomaly-rule-content"]
    assert list(content(session)) == []
    with session.no_autoflush:
        row = session.scalars(select(AnomalyRuleChange).where(AnomalyRuleChange.revision == 3)).one()
        row.enabled = True
        assert [each.subject for each in content(session)] == [f"anomaly_rule/{row.id}"]
        session.expire(row)
    in_force = rules_in_force(session)[Rule.KEYS]
    assert (in_force.revision, in_force.enabled, in_force.figures["weight"], in_force.figures["keys"]) == (
        3,
        False,
        9,
        12,
    )
    grant = planted.grant("off")
    for number in range(13):
        planted.call(grant, matter=f"办件-{number}", key=f"310101{number:03d}")
    planted.find()
    assert planted.found(grant) == {}
    changes = [json.loads(entry.body)["data"] for entry in planted.entries("anomaly_rule.changed")]
    [first] = [each for each in changes if each["after"]["rule"] == "keys" and each["after"]["revision"] == 2]
    assert (first["before"]["on"], first["after"]["on"]) == (True, False)
    planted.set(Rule.KEYS)
