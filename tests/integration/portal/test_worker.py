"""The worker: short work under leases, failures that wait longer, evidence sequenced, a graceful end."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import audit.append
from adapters.clock import system_now
from adapters.database import engine, transaction
from adapters.errors import Terminal, Transient
from adapters.settings import Settings
from adapters.work import MAXIMUM_ATTEMPTS, Runner, Turn, Work, WorkState, enqueue
from audit.actor import HUB
from audit.models import Evidence, LogLeaf
from exchange.grants.models import ReleaseRecord
from exchange.release import ReleaseRequest, authorise
from portal.worker import Worker
from schemas.words import Mode
from tests.integration.portal.world import World

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def own(fresh: dict[str, str]) -> Settings:
    settings = Settings.load(fresh)
    audit.append.configure(settings.log_origin, settings.sealing_key)
    return settings


def greet(session: Session, settings: Settings, payload: Mapping[str, Any]) -> dict[str, Any]:
    audit.append.append(session, "test.greeted", "test/1", HUB)
    if payload.get("fail") == "for good":
        raise Terminal("test.failed", "It cannot be done.")
    if payload.get("fail"):
        raise Transient("test.failed", "Not now.")
    if payload.get("bug"):
        raise ZeroDivisionError
    return {"greeted": payload["name"]}


def put(settings: Settings, **payload: Any) -> uuid.UUID:
    with transaction(settings.app_database_url) as session:
        return enqueue(session, "greet", Runner.WORKER, payload).id


def row(settings: Settings, work_id: uuid.UUID) -> Work:
    with transaction(settings.app_database_url) as session:
        found = session.get_one(Work, work_id)
        session.expunge(found)
    return found


def test_work_is_done_once_together_with_its_row(own: Settings) -> None:
    work_id = put(own, name="lin")
    worker = Worker(own, {"greet": greet}, {})
    assert [worker.work_once(), worker.work_once()] == [True, False]
    assert (row(own, work_id).state, row(own, work_id).result) == (WorkState.DONE, {"greeted": "lin"})
    with transaction(own.app_database_url) as session:
        assert session.scalar(select(func.count()).select_from(Evidence)) == 1


@pytest.mark.parametrize(
    ("payload", "state"), [({"fail": "now"}, "WAITING"), ({"bug": 1}, "WAITING"), ({"fail": "for good"}, "FAILED")]
)
def test_a_failure_leaves_nothing_but_its_reason(own: Settings, payload: dict[str, Any], state: str) -> None:
    work_id = put(own, **payload)
    worker = Worker(own, {"greet": greet}, {})
    assert worker.work_once()
    found = row(own, work_id)
    assert found.state == state
    assert found.problem or payload == {"bug": 1}
    assert state == "FAILED" or found.due_at > system_now()
    assert not worker.work_once()
    with transaction(own.app_database_url) as session:
        assert session.scalar(select(func.count()).select_from(Evidence)) == 0


def test_work_that_keeps_failing_is_given_up(own: Settings) -> None:
    work_id = put(own, fail="now")
    worker = Worker(own, {"greet": greet}, {})
    for _ in range(MAXIMUM_ATTEMPTS):
        with transaction(own.app_database_url) as session:
            session.get_one(Work, work_id).due_at = system_now()
        assert worker.work_once()
    assert row(own, work_id).state == WorkState.FAILED


def test_a_chore_that_fails_or_has_much_to_do_holds_up_no_other(own: Settings) -> None:
    turns: list[str] = []

    def broken(session: Session) -> Turn:
        turns.append("broken")
        raise ZeroDivisionError

    def long(session: Session) -> Turn:
        turns.append("long")
        return Turn(1, more=turns.count("long") < 3)

    def other(session: Session) -> Turn:
        turns.append("other")
        return Turn(0)

    worker = Worker(own, {}, {"broken": broken, "long": long, "other": other})
    assert [worker.chores_once() for _ in range(4)] == [True, True, False, False]
    assert turns == ["broken", "long", "other", "long", "long"]


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_process_sequences_evidence_and_ends_when_asked(own: Settings, fresh: dict[str, str]) -> None:
    with transaction(own.app_database_url) as session:
        audit.append.append(session, "test.happened", "test/1", HUB)
    worker = subprocess.Popen(
        [sys.executable, "-m", "portal.cli.main", "worker"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **fresh},
        stderr=subprocess.PIPE,
        text=True,
    )

    def sequenced() -> bool:
        kinds = select(Evidence.kind).join(LogLeaf, LogLeaf.evidence_id == Evidence.id)
        with transaction(own.app_database_url) as session:
            return set(session.scalars(kinds)) == {
                "test.happened",
                "settings.changed",
                "hub.started",
                "schema.upgraded",
            }

    try:
        wait_for(sequenced)
        worker.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=30)
    finally:
        worker.kill()
        worker.communicate()
    assert worker.returncode == 0, err
    assert "Traceback" not in err
    engine(own.app_database_url).dispose()


def test_the_worker_closes_releases_that_a_crash_left_open(world: World) -> None:
    asked = ReleaseRequest(world.case.asks, Mode.FILES, world.granted.purpose, "办件-17")
    left, fresh = (authorise(world.session, world.granted.id, asked).id for _ in range(2))
    world.session.get_one(ReleaseRecord, left).authorised_at -= timedelta(days=2)
    world.session.commit()
    stop = Worker(world.portal.settings)
    working = threading.Thread(target=stop.run)
    working.start()
    try:
        wait_for(lambda: state(world, left) == "UNKNOWN")
    finally:
        stop.stop()
        working.join(30)
        engine(world.portal.settings.sequencer_database_url).dispose()
    assert state(world, fresh) == "AUTHORISED"
    assert [entry["subject"] for entry in world.evidence("release.unknown")] == [f"release/{left}"]


def state(world: World, release_id: uuid.UUID) -> str:
    world.session.rollback()
    return world.session.get_one(ReleaseRecord, release_id, populate_existing=True).state
