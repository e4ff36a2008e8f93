"""A stall of the log is said at once, by commands as by pages, and recorded once when deliveries stop for it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

import portal.cli.status
from adapters.database import transaction
from audit import standing
from audit.models import Evidence
from audit.restoration.look import Seen, note_down
from audit.sequence import run_forever, sequence
from audit.stall.models import ONE, LogStall
from audit.stall.problem import put_down
from audit.stall.record import record_stall
from audit.store.place import Place
from portal.cli.main import shuniu
from tests.integration.audit.conftest import Log

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _grace() -> Iterator[None]:
    yield
    standing.configure(600)


@pytest.fixture
def run(log: Log, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(portal.cli.status, "running_process", lambda _: 1)
    monkeypatch.setattr(portal.cli.status, "reported_services", lambda _: [])
    environment = {**log.environment, "SHUNIU_HOME": str(home)}
    return lambda *arguments: CliRunner().invoke(shuniu, arguments, env=environment)


def sequenced_until(log: Log, seen: Callable[[LogStall], bool]) -> None:
    """Let the sequencer run until what it says of itself is so."""
    Place.of(log.settings).ensure()
    stop = Event()
    thread = Thread(target=run_forever, args=(log.settings, stop))
    thread.start()
    try:
        for _ in range(100):
            with log.session("app") as session:
                if seen(session.get_one(LogStall, ONE)):
                    return
            time.sleep(0.1)
        raise AssertionError("the sequencer said nothing")
    finally:
        stop.set()
        thread.join()


def test_tampering_that_stops_the_sequencer_is_said_at_once_and_taken_back(log: Log, run: Run) -> None:
    log.write(3)
    log.sequence()
    assert run("status").exit_code == 0
    with transaction(log.environment["SHUNIU_DATABASE_URL"]) as session:
        session.execute(text("UPDATE log_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)"))
    log.write(1)
    sequenced_until(log, lambda row: "changed behind the sequencer" in row.problem)
    told, state = run("status"), run("audit", "state")
    assert told.exit_code == 1
    assert "PROBLEM: the evidence log cannot be signed" in told.output
    assert "changed behind the sequencer" in told.output
    assert "PROBLEM" in state.output
    assert "changed behind the sequencer" in json.loads(run("status", "--json").output)["log_store"]["signing_problem"]
    with transaction(log.environment["SHUNIU_DATABASE_URL"]) as session:
        session.execute(text("UPDATE log_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)"))
    sequenced_until(log, lambda row: not row.problem)
    assert run("status").exit_code == 0


def test_a_stop_of_deliveries_is_recorded_once_and_its_end_too(log: Log) -> None:
    def look() -> int:
        with transaction(log.environment["SHUNIU_APP_DATABASE_URL"]) as session:
            return record_stall(session)

    assert look() == 0
    log.write(1)
    standing.configure(0)
    assert [look(), look()] == [1, 0]
    log.sequence()
    standing.configure(600)
    assert [look(), look()] == [1, 0]
    with log.session("app") as session:
        told = select(Evidence.kind, Evidence.subject).where(Evidence.kind.like("delivery.%"))
        found = [tuple(row) for row in session.execute(told.order_by(Evidence.recorded_at))]
        assert found == [("delivery.stopped", "log_stall/1"), ("delivery.resumed", "log_stall/1")]


def test_a_problem_that_is_over_is_not_shown_beside_a_restoration(log: Log) -> None:
    log.write(1)
    with log.session("sequencer") as session:
        put_down(session, OSError("The object store does not answer."))
        note_down(session, [Seen("a test", 900)])
        assert session.get_one(LogStall, ONE).problem
        assert sequence(session, log.key, log.settings.log_origin) == 0, "the log stands still"
        session.expire_all()
        assert session.get_one(LogStall, ONE).problem == ""
