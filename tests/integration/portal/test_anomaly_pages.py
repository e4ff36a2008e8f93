"""What was found unusual reaches the auditor, who suspends the grant or dismisses it; rules are set in the portal."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.clock import system_now
from adapters.database import transaction
from audit.actor import Actor
from audit.append import append
from audit.models import Evidence, LogLeaf
from directory.people.roles import Role
from exchange.grants.models import Grant
from oversight.anomalies import queries
from oversight.anomalies.find import find
from oversight.anomalies.models import Anomaly, LookedThrough
from oversight.anomalies.rules import rules_in_force
from portal.pages import anomalies as pages
from schemas.anomaly_rules import Rule, anomaly_rules
from tests.integration.portal.conftest import Browser, People
from tests.integration.portal.test_api_evidence import sequenced
from tests.integration.portal.world import World

Opened = Callable[..., Browser]
MEASURED = {"value": 12_000, "usual": 40, "busiest": 80, "limit": 200, "day": "2026-11-20"}


def found(world: World, key: str, **changes: Any) -> Anomaly:
    """An anomaly as the worker writes it, resting on the entry of a refused release."""
    session, now = world.session, system_now()
    entry = append(session, "release.refused", f"grant/{world.granted.id}", world.case.asks, outcome="REFUSED")
    values = {
        "rule": Rule.VOLUME,
        "revision": 0,
        "figures": anomaly_rules().rules[Rule.VOLUME].values,
        "finding": "volume.calls",
        "measured": MEASURED,
        "score": 90,
        "grant_id": world.granted.id,
        "agency_id": world.case.requester.id,
        "entries": [str(entry.id)],
    }
    row = Anomaly(key=key, first_seen=now, last_seen=now, **(values | changes))
    session.add(row)
    session.flush()
    append(session, "anomaly.found", f"anomaly/{row.id}", Actor(roles=frozenset({"HUB"})))
    session.commit()
    return row


def test_the_auditor_reads_suspends_and_dismisses(world: World, people: People, browser: Opened) -> None:
    loud = found(world, "loud")
    places = {"rule": Rule.PLACES, "finding": "places", "measured": {"value": 3, "minutes": 2}, "grant_id": None}
    figures = anomaly_rules().rules[Rule.PLACES].values
    quiet = found(world, "quiet", **places, figures=figures, score=45, client_id="c00000001")
    auditor = browser(people.logins[Role.AUDITOR])
    auditor.post("/language", {"language": "en"})
    desk = auditor.get("/").get_data(as_text=True)
    assert desk.index("Far more than usual") < desk.index("One account in two places")
    listed = auditor.get("/anomalies/").get_data(as_text=True)
    assert "there were 12,000 calls under this grant" in listed
    assert world.granted.number in listed
    assert "c00000001" in listed
    sequenced(world.portal.settings)
    with zipfile.ZipFile(io.BytesIO(auditor.get("/anomalies/?rule=places&export=csv").data)) as signed:
        file = signed.read("rows.csv").decode("utf-8-sig").splitlines()
    assert (len(file), "3 changes within a day" in file[1]) == (2, True)
    page = auditor.get(f"/anomalies/{loud.id}").get_data(as_text=True)
    assert f"/evidence/{loud.entries[0]}" in page
    assert "Suspend the grant" in page
    assert auditor.post(f"/anomalies/{loud.id}", {"reason": "", "decision": "suspend"}).status_code == 422
    for wrong in ({}, {"decision": "dismis"}, {"decision": ""}):
        assert auditor.post(f"/anomalies/{loud.id}", {"reason": "超量", **wrong}).status_code == 422, wrong
    assert 'name="decision" value="suspend"' in page
    assert auditor.post(f"/anomalies/{loud.id}", {"reason": "超量", "decision": "suspend"}).status_code == 303
    late = found(world, "late")
    assert auditor.get("/anomalies/").get_data(as_text=True).count("Suspended</span>") == 1
    page = auditor.get(f"/anomalies/{late.id}").get_data(as_text=True)
    assert ("Suspend the grant" in page, "Something was done about it" in page) == (False, True)
    assert auditor.post(f"/anomalies/{late.id}", {"reason": "已停", "decision": "acted"}).status_code == 303
    page = auditor.get(f"/anomalies/{late.id}").get_data(as_text=True)
    assert ("Acted on" in page, "Grant suspended" in page) == (True, False), "nothing says what was done but the reason"
    page = auditor.get(f"/anomalies/{quiet.id}").get_data(as_text=True)
    assert "Suspend the grant" not in page
    assert auditor.post(f"/anomalies/{quiet.id}", {"reason": "没有授权", "decision": "suspend"}).status_code == 409
    assert auditor.post(f"/anomalies/{quiet.id}", {"reason": "出差", "decision": "dismiss"}).status_code == 303
    world.session.expire_all()
    states = world.session.execute(select(Anomaly.key, Anomaly.state).order_by(Anomaly.decided_at)).all()
    assert states == [(loud.key, "ACTED"), (late.key, "ACTED"), (quiet.key, "DISMISSED")]
    assert world.session.get_one(Grant, world.granted.id).state == "SUSPENDED"
    assert world.evidence("grant.suspended")[0]["data"]["authority"] == f"anomaly/{loud.id}"
    assert "出差" in auditor.get(f"/anomalies/{quiet.id}").get_data(as_text=True)
    assert "Nothing unusual waits" in auditor.get("/anomalies/").get_data(as_text=True)
    _in_chinese(auditor, loud)


def _in_chinese(auditor: Browser, row: Anomaly) -> None:
    auditor.post("/language", {"language": "zh_Hans_CN"})
    page = auditor.get(f"/anomalies/{row.id}").get_data(as_text=True)
    assert "用量远超平常" in page
    assert "在本授权下有 12,000 次调用" in page


def test_the_audit_administrator_sets_the_rules(people: People, browser: Opened, world: World) -> None:
    administrator = browser(people.logins[Role.AUDIT_ADMINISTRATOR])
    administrator.post("/language", {"language": "en"})
    assert 'name="factor"' in administrator.get("/anomalies/rules?rule=volume").get_data(as_text=True)
    figures = {name: str(value) for name, value in anomaly_rules().rules[Rule.VOLUME].values.items()}
    wrong = administrator.post("/anomalies/rules/volume", figures | {"factor": "x", "on": "1", "reason": "量大"})
    assert wrong.status_code == 422
    assert "This must be a whole number from 2 to 1000." in wrong.get_data(as_text=True)
    assert administrator.post("/anomalies/rules/colour", figures).status_code == 404
    assert administrator.post("/anomalies/rules/volume", figures | {"factor": "8", "reason": "量大"}).status_code == 303
    with transaction(world.portal.settings.app_database_url) as session:
        rule = rules_in_force(session)[Rule.VOLUME]
    assert (rule.enabled, rule.figures["factor"], rule.revision) == (False, 8, 1)
    page = administrator.get("/anomalies/rules").get_data(as_text=True)
    assert "the release's own: 5" in page
    auditor = browser(people.logins[Role.AUDITOR])
    assert 'name="factor"' not in auditor.get("/anomalies/rules?rule=volume").get_data(as_text=True)
    assert auditor.post("/anomalies/rules/volume", figures | {"reason": "量大"}).status_code == 403


def test_pages_tell_how_far_the_log_was_looked_through(
    world: World, people: People, browser: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequenced(world.portal.settings)
    find(world.session)
    size = world.session.get_one(LookedThrough, 1).size
    append(world.session, "grant.suspended", f"grant/{world.granted.id}", world.case.asks)
    world.session.commit()
    auditor = browser(people.logins[Role.AUDITOR])
    auditor.post("/language", {"language": "en"})
    sequenced(world.portal.settings)
    entries = (world.session.scalar(select(func.max(LogLeaf.leaf_index))) or 0) + 1
    assert entries > size
    for address in ("/", "/anomalies/"):
        page = auditor.get(address).get_data(as_text=True)
        assert f"looked through {size:,} of {entries:,} entries, up to 20" in page
        assert "Unusual use is not looked for" not in page
    now = system_now() + timedelta(minutes=11)
    monkeypatch.setattr(queries, "system_now", lambda: now)
    for address in ("/", "/anomalies/"):
        assert "Unusual use is not looked for" in auditor.get(address).get_data(as_text=True)


def test_entries_of_anomalies_name_their_rule_and_looks_do_not_fill_the_desk(
    world: World, people: People, browser: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = MEASURED | {"usual": 1}
    row = found(world, "hours", rule=Rule.HOUR, measured=measured, person_id=people.actors[Role.REQUESTER].person_id)
    auditor = browser(people.logins[Role.AUDITOR])
    auditor.post("/language", {"language": "en"})
    for _each in range(12):
        auditor.get("/evidence/?kind=anomaly.")
    desk = auditor.get("/").get_data(as_text=True)
    assert "Anomaly Use at unusual hours" in desk
    assert "Evidence searched" not in desk
    entry = world.session.scalars(select(Evidence.id).where(Evidence.subject == f"anomaly/{row.id}")).one()
    told = auditor.get(f"/evidence/{entry}").get_data(as_text=True)
    assert "<dd>The hub</dd>" in told.partition("Roles</dt>")[2][:40]
    page = auditor.get(f"/anomalies/{row.id}").get_data(as_text=True)
    assert "<dd>1%</dd>" in page
    assert f"/grants/{world.granted.id}" in page
    administrator = browser(people.logins[Role.AUDIT_ADMINISTRATOR])
    assert f"/grants/{world.granted.id}" not in administrator.get(f"/anomalies/{row.id}").get_data(as_text=True)
    assert f"/evidence/?person={row.person_id}" in page
    monkeypatch.setattr(queries, "MOST_COUNTED", 1)
    monkeypatch.setattr(pages, "MOST_COUNTED", 1)
    assert re.search(r"Unusual use <span class=\"count\">1\+", auditor.get("/").get_data(as_text=True))
