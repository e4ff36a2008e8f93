"""An hour without a kept checkpoint is said and recorded; a log that stands still is kept every hour all the same."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

import portal.cli.status
from adapters.clock import system_now
from adapters.database import transaction
from audit.models import Evidence
from audit.report import Report
from audit.stall.record import record_unkept
from audit.store.models import KeptCheckpoint
from audit.store.place import Place
from audit.store.queries import store_state
from audit.store.run import Publisher
from audit.store.verify import verify_store
from portal.cli.main import shuniu
from tests.integration.audit.conftest import ROLES, Log
from tests.integration.audit.test_clock_corrected import clock

LATE, IN_TIME = timedelta(minutes=66), timedelta(minutes=64)


@pytest.fixture
def status(log: Log, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Result]:
    monkeypatch.setattr(portal.cli.status, "running_process", lambda _: 1)
    monkeypatch.setattr(portal.cli.status, "reported_services", lambda _: [])
    environment = {**log.environment, "SHUNIU_HOME": str(home)}
    return lambda *arguments: CliRunner().invoke(shuniu, ("status", *arguments), env=environment)


def step(log: Log) -> None:
    Publisher(log.settings, Place.of(log.settings)).step()


def recorded(log: Log) -> int:
    with transaction(log.environment[ROLES["app"]]) as session:
        return record_unkept(session)


def moved(log: Log, by: timedelta) -> None:
    """As if what was kept and signed had been so that much earlier."""
    with log.session("owner") as session:
        session.execute(text("UPDATE log_checkpoint SET signed_at = signed_at - :by"), {"by": by})
        session.execute(
            text("UPDATE log_kept_checkpoint SET kept_at = kept_at - :by, hour = hour - interval '2 hours'"), {"by": by}
        )
        session.commit()


def test_an_hour_without_a_kept_checkpoint_is_said_and_recorded_once_and_its_end_too(
    log: Log, status: Callable[..., Result]
) -> None:
    assert recorded(log) == 0, "an empty log has nothing to keep"
    log.write(2)
    log.sequence()
    step(log)
    moved(log, IN_TIME)
    assert recorded(log) == 0
    assert (status().exit_code, "PROBLEM" in status().output) == (0, False)
    moved(log, LATE - IN_TIME)
    assert [recorded(log), recorded(log)] == [1, 0]
    told = status()
    assert (told.exit_code, "PROBLEM: no checkpoint was kept" in told.output) == (1, True), told.output
    assert json.loads(status("--json").output)["log_store"]["unkept"] is True
    step(log)
    assert [recorded(log), recorded(log)] == [1, 0]
    assert status().exit_code == 0
    with log.session("app") as session:
        entries = select(Evidence.kind, Evidence.subject).where(Evidence.kind.like("checkpoint.%"))
        found = session.execute(entries.order_by(Evidence.recorded_at)).all()
        assert found == [("checkpoint.not_kept", "log_store/1"), ("checkpoint.kept_again", "log_store/1")]


def test_a_log_of_which_nothing_was_ever_kept_is_missed_from_its_first_signature_on(log: Log) -> None:
    log.write(2)
    log.sequence()
    assert recorded(log) == 0
    moved(log, LATE)
    assert recorded(log) == 1


def test_what_was_kept_by_a_clock_that_ran_ahead_hides_no_lapse(log: Log) -> None:
    log.write(2)
    log.sequence()
    step(log)
    moved(log, LATE)
    with log.session("owner") as session:
        ahead = system_now() + timedelta(days=365)
        session.add(KeptCheckpoint(hour=ahead, key="kept/ahead", size=2, kept_at=ahead))
        session.commit()
    assert recorded(log) == 1


def test_a_log_without_new_entries_is_kept_every_hour(log: Log) -> None:
    log.write(2)
    log.sequence()
    step(log)
    moved(log, LATE)
    step(log)
    with log.session("app") as session:
        assert list(session.scalars(select(KeptCheckpoint.size))) == [2, 2]


def kept_at(log: Log, monkeypatch: pytest.MonkeyPatch, moment: datetime) -> list[tuple[str, int]]:
    """What is kept after a publisher's two steps at a moment: the end of the key, and the size."""
    with clock(monkeypatch, moment - system_now()):
        step(log)
        step(log)
    with log.session("app") as session:
        rows = session.execute(select(KeptCheckpoint.key, KeptCheckpoint.size).order_by(KeptCheckpoint.hour))
        return [(row.key.rpartition("/kept/")[2], row.size) for row in rows]


@pytest.mark.parametrize("ahead", [timedelta(minutes=20), timedelta(hours=2)])
def test_an_hour_that_a_clock_ran_through_ahead_is_kept_anew_when_it_comes(
    log: Log, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    noon = system_now().replace(hour=12, minute=10, second=0, microsecond=0) + timedelta(days=2)
    log.write(2)
    log.sequence()
    assert [size for _, size in kept_at(log, monkeypatch, noon + ahead)] == [2]
    log.write(2)
    log.sequence()
    kept = kept_at(log, monkeypatch, noon)
    assert [size for _, size in kept] == ([2, 4] if ahead < timedelta(hours=1) else [4, 2])
    kept = kept_at(log, monkeypatch, noon + ahead + timedelta(minutes=10))
    assert [size for _, size in kept] == ([2, 4] if ahead < timedelta(hours=1) else [4, 2, 4])
    assert kept[-1][0].startswith(f"{noon + ahead:%Y/%m/%d/%H}-"), "beside what the clock kept ahead, which stays held"
    with clock(monkeypatch, noon + ahead + timedelta(minutes=11) - system_now()), log.session("app") as session:
        last = store_state(session).kept_at
        assert last is not None
        true = noon if len(kept) == 2 else noon + ahead + timedelta(minutes=10)
        assert last.replace(second=0, microsecond=0) == true
    with log.session("app") as session:
        verify_store(session, Place.of(log.settings), log.key.verifier, (report := Report("")))
        assert report.ok, report.findings


def test_a_lapse_shows_in_hours_that_a_clock_ran_through_ahead(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write(2)
    log.sequence()
    with clock(monkeypatch, timedelta(hours=5)):
        step(log)
    log.write(2)
    log.sequence()
    step(log)
    with clock(monkeypatch, timedelta(hours=5, minutes=5)), log.session("app") as session:
        assert store_state(session).unkept
