"""Starts of the hub in evidence: what changed is told once, by one process, and verification holds rows against it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import portal.app
from adapters.database import transaction
from adapters.settings import Settings
from audit import sequence
from audit.models import Evidence
from audit.reconcile import registered
from portal import starts
from portal.models import SiteSettings
from portal.public_settings import SECRET, public
from portal.starts import DIGEST, record_start
from portal.wiring import wire
from tests.integration.audit.test_clock_corrected import clock
from tests.integration.portal.test_api_evidence import sequenced

CANARY = "canary-4711"


@pytest.fixture
def own(portal_settings: Settings) -> Settings:
    wire(portal_settings)
    return portal_settings


def told(settings: Settings, kind: str = "") -> list[dict[str, Any]]:
    """Entries in their order: subject, and the facts around the change."""
    with transaction(settings.app_database_url) as session:
        entries = select(Evidence).order_by(Evidence.recorded_at, Evidence.id)
        read = [json.loads(each.body) for each in session.scalars(entries)]
    return [{"subject": each["subject"], **each["data"]} for each in read if each["type"].endswith(kind)]


def kinds(settings: Settings) -> list[str]:
    with transaction(settings.app_database_url) as session:
        return list(session.scalars(select(Evidence.kind).order_by(Evidence.recorded_at, Evidence.id)))


def findings(settings: Settings) -> set[str]:
    with transaction(settings.app_database_url) as session:
        mine = [one for name, one in registered().items() if name.startswith(starts.NOUN)]
        return {found.sentence for one in mine for found in one(session)}


def test_the_first_start_tells_all_settings_and_the_schema(own: Settings) -> None:
    record_start(own, "worker")
    assert kinds(own) == ["settings.changed", "hub.started", "schema.upgraded"]
    first, started, schema = told(own)
    assert (first["subject"], first["before"]) == ("site_settings/worker", {})
    assert first["after"]["evidence_grace_seconds"] == own.evidence_grace_seconds
    assert first["after"]["app_database_url"].endswith(f"/{own.app_database_url.rpartition('/')[2]}")
    assert started["after"] == {"component": "worker", "version": starts.release()}
    assert schema["subject"] == "site_settings/schema"
    with transaction(own.app_database_url) as session:
        assert schema["after"]["version"] == session.scalar(text("SELECT version_num FROM alembic_version"))
    assert findings(own) == set()


@pytest.mark.parametrize("planted", ["5", '"x"', "[1]", "null", '[{"a": 1}]'])
def test_a_planted_row_stops_no_start(own: Settings, planted: str) -> None:
    record_start(own, "worker")
    with transaction(own.database_url) as session:
        session.execute(text("UPDATE site_settings SET settings = CAST(:planted AS jsonb)"), {"planted": planted})
    assert findings(own)
    record_start(own, "worker")
    assert findings(own) == set(), "every setting is told again"
    assert told(own, "settings.changed")[-1]["before"] == {}


def test_a_start_with_the_same_settings_within_the_minute_tells_nothing(own: Settings) -> None:
    for _ in range(3):
        record_start(own, "worker")
    assert len(kinds(own)) == 3
    record_start(own, "portal")
    assert kinds(own)[3:] == ["settings.changed", "hub.started"]


@pytest.mark.parametrize("since", [timedelta(minutes=2), timedelta(days=-1)])
def test_a_later_start_is_told_again_also_where_the_row_says_it_is_yet_to_come(own: Settings, since: timedelta) -> None:
    record_start(own, "worker")
    with transaction(own.app_database_url) as session:
        session.execute(update(SiteSettings).values(started_at=SiteSettings.started_at - since))
    record_start(own, "worker")
    assert kinds(own)[3:] == ["hub.started"]


def test_a_changed_setting_is_told_before_and_after(own: Settings, tmp_path: Path) -> None:
    record_start(own, "worker")
    policy = tmp_path / "policy"
    policy.write_text("quorum none\n")
    changed = replace(own, evidence_grace_seconds=7, witnesses=str(policy))
    record_start(changed, "worker")
    policy.write_text("# another\nquorum none\n")
    record_start(changed, "worker")
    _, first, second = told(own, "settings.changed")
    assert first["before"] == {"evidence_grace_seconds": own.evidence_grace_seconds, "witnesses": ""}
    assert first["after"].keys() == {"evidence_grace_seconds", "witnesses", DIGEST}
    assert second["before"] == {"witnesses": first["after"]["witnesses"]}
    assert second["after"]["witnesses"]["sha256"] != first["after"]["witnesses"]["sha256"]
    assert findings(own) == set()


def test_an_exchanged_secret_is_told_by_its_id_and_its_row_is_compared(own: Settings) -> None:
    record_start(own, "worker")
    changed = replace(own, promise_key=CANARY)
    record_start(changed, "worker")
    record_start(changed, "worker")
    _, exchanged = told(own, "settings.changed")
    then, now = exchanged["before"].pop("promise_key_id"), exchanged["after"].pop("promise_key_id")
    assert (exchanged["before"], exchanged["after"].keys()) == ({}, {DIGEST})
    assert then != now == public(changed)["promise_key_id"]
    assert findings(own) == set()
    with transaction(own.database_url) as session:
        row = session.get_one(SiteSettings, "worker")
        row.settings = row.settings | {"promise_key_id": then}
    assert any("something else of its promise_key_id" in sentence for sentence in findings(own))


def test_a_setting_that_a_release_no_longer_has_is_told(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    record_start(own, "worker")
    monkeypatch.setattr(starts, "public", lambda settings: {k: v for k, v in public(settings).items() if k != "home"})
    record_start(own, "worker")
    last = told(own, "settings.changed")[-1]
    assert (last["before"], last["after"]["home"]) == ({"home": str(own.home)}, None)
    assert findings(own) == set()


def test_another_schema_is_told_by_the_first_start_that_finds_it(own: Settings, owner_url: str) -> None:
    record_start(own, "worker")
    with transaction(own.database_url) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    record_start(own, "portal")
    record_start(own, "worker")
    first, second = told(own, "schema.upgraded")
    assert second["before"] == {"version": first["after"]["version"]}
    assert second["after"]["version"] == "9999"


def test_of_processes_that_start_together_one_writes(own: Settings) -> None:
    together = threading.Barrier(8)

    def start(settings: Settings) -> None:
        together.wait()
        record_start(settings, "portal")

    for settings in (own, *(replace(own, lockout_failures=figure) for figure in range(10, 15))):
        threads = [threading.Thread(target=start, args=(settings,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert kinds(own) == ["settings.changed", "hub.started", "schema.upgraded", *["settings.changed"] * 5]


def test_a_start_waits_for_a_database_that_does_not_answer_yet(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = [OperationalError("", None, Exception()) for _ in range(2)]

    def not_yet(url: str) -> AbstractContextManager[Session]:
        if opened:
            raise opened.pop()
        return transaction(url)

    monkeypatch.setattr(starts, "transaction", not_yet)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    record_start(own, "worker")
    assert len(kinds(own)) == 3
    opened.append(OperationalError("", None, Exception()))
    monkeypatch.setattr(starts, "PATIENCE_SECONDS", -1.0)
    with pytest.raises(OperationalError):
        record_start(own, "worker")


def test_no_secret_is_in_an_entry_or_a_row(own: Settings) -> None:
    canaries: dict[str, Any] = dict.fromkeys(SECRET - {"sealing_key"}, CANARY)
    canaries |= {name: f"https://{CANARY}:{CANARY}@s3.example/" for name in ("s3_url", "airflow_url", "tsa_url")}
    canaries |= {"serving_url": f"postgresql+psycopg://u:{CANARY}@h/db"}
    record_start(replace(own, **canaries), "worker")
    secrets = {own.sealing_key, CANARY, own.app_database_url.split("@")[0].rpartition(":")[2]}
    with transaction(own.app_database_url) as session:
        stored = "".join(json.dumps(row.settings) for row in session.scalars(select(SiteSettings)))
    written = json.dumps(told(own)) + stored
    assert [secret for secret in secrets if secret in written] == []
    assert all(field.name in written for field in fields(Settings) if field.name not in SECRET)


def test_a_portal_that_serves_tells_its_start_and_one_of_given_settings_does_not(
    own: Settings, fresh: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.app.create_app(own)
    assert kinds(own) == []
    for name, value in fresh.items():
        monkeypatch.setenv(name, value)
    portal.app.create_app()
    assert [each["subject"] for each in told(own)][:2] == ["site_settings/portal"] * 2


def _row(component: str, settings: dict[str, Any]) -> Any:
    return update(SiteSettings).where(SiteSettings.component == component).values(settings=settings)


def _other_figure(session: Session) -> Iterator[Any]:
    row = session.get_one(SiteSettings, "worker")
    yield _row("worker", row.settings | {"evidence_grace_seconds": 1})


def _one_more(session: Session) -> Iterator[Any]:
    row = session.get_one(SiteSettings, "worker")
    yield _row("worker", row.settings | {"more": 1})


def _other_entry(session: Session) -> Iterator[Any]:
    yield update(SiteSettings).values(evidence_id=func.gen_random_uuid())


def _no_row(session: Session) -> Iterator[Any]:
    yield delete(SiteSettings).where(SiteSettings.component == "worker")


def _strange_row(session: Session) -> Iterator[Any]:
    yield text("INSERT INTO site_settings (component, settings) VALUES ('other', '[]')")


@pytest.mark.parametrize(
    ("falsified", "said"),
    [
        (_other_figure, "something else of its evidence_grace_seconds"),
        (_one_more, f"something else of its {DIGEST}"),
        (_other_entry, "rests on another entry"),
        (_no_row, "the table has no such row"),
        (_strange_row, "no entry schema.upgraded or settings.changed records it"),
    ],
)
def test_verification_names_a_row_that_is_not_as_its_entries_say(own: Settings, falsified: Any, said: str) -> None:
    record_start(own, "worker")
    with transaction(own.database_url) as session:
        for statement in falsified(session):
            session.execute(statement)
    assert any(said in sentence for sentence in findings(own))


def test_the_last_entry_is_the_logs_last_also_where_the_clock_ran_ahead(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_start(own, "worker")
    sequenced(own)
    with clock(monkeypatch, timedelta(hours=2)):
        record_start(replace(own, evidence_grace_seconds=7), "worker")
        sequenced(own)
    record_start(replace(own, evidence_grace_seconds=9), "worker")
    assert findings(own) == set(), "an entry that waits is newer than those with a number"
    monkeypatch.setattr(sequence, "dated_back", lambda session, last: True)
    sequenced(own)
    assert findings(own) == set()
    with transaction(own.database_url) as session:
        row = session.get_one(SiteSettings, "worker")
        row.settings = row.settings | {"evidence_grace_seconds": 7}
    assert any("something else of its evidence_grace_seconds" in sentence for sentence in findings(own))
