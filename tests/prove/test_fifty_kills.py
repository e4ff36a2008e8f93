"""Sequencer, portal and PostgreSQL of a hub at work are killed fifty times: no acknowledged action loses its entry."""

import itertools
import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import urllib3
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import system_now
from adapters.services import supervisor
from adapters.services.hub import Hub
from adapters.services.ports import Ports
from adapters.services.supervisor import Health, Service
from adapters.settings import Settings
from audit.checked import HOLDS, Trust, check_files
from audit.leaves import source_of
from audit.log_keys import log_keys
from audit.personal import Seal
from audit.queries import log_state
from audit.reconcile import registered
from audit.store.place import Place
from audit.store.verify import verify_store
from audit.verify import verify_log
from audit.written import collect, committed
from portal.app import create_app
from portal.cli.up import _programs
from tests.integration.portal.world import World, made

KILLS = 50
CALLERS, OFFICIALS, ORDERERS = 3, 2, 1
PAUSE = 0.05
RECOVERY_SECONDS = 120.0
NOTICED_SECONDS = 5.0
"""Until then a service may be called well that was killed a moment ago."""
Found = TypeVar("Found")
VICTIMS = ("worker", "portal", "postgresql")


class WithoutAirflow(Hub):
    """The hub as ``shuniu up`` runs it; no data is moved here."""

    def _embedded_airflow(self, owner_url: str) -> tuple[dict[str, str], list[Service]]:
        return {}, []


@dataclass
class Acknowledged:
    """What callers and officials were told to have happened, and what came back instead otherwise."""

    promises: list[str] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    applications: list[str] = field(default_factory=list)
    deliveries: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(supervisor, "LONGEST_WAIT_SECONDS", 0.5)  # its patience with what dies often is not on trial
    own = {name: value for name, value in os.environ.items() if not name.startswith("SHUNIU_")}
    environ = own | {"SHUNIU_HOME": str(tmp_path / "home"), **Ports.free().as_environment()}
    running = WithoutAirflow(tmp_path / "home", environ, _programs(environ))
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.mark.timeout(1_200)
def test_fifty_kills_lose_no_entry_and_break_no_promise(hub: Hub) -> None:
    seed = int(os.environ.get("PROVE_SEED") or random.SystemRandom().randrange(10**6))
    print(f"PROVE_SEED={seed} repeats these kills")
    settings = Settings.load(hub.environ)
    own = create_engine(settings.app_database_url, poolclass=NullPool)
    done, stop = Acknowledged(), threading.Event()
    with Session(own, expire_on_commit=False) as session:
        world = made(create_app(settings), session)
    with Session(own) as session:
        sound = {name: one for name, one in registered().items() if not list(one(session))}
    acts = [_caller(settings, world, done) for _ in range(CALLERS)] + [_official(settings, world, done)] * OFFICIALS
    acts += [_orderer(settings, world, done) for _ in range(ORDERERS)]
    threads = [threading.Thread(target=_repeat, args=(act, stop, done)) for act in acts]
    for thread in threads:
        thread.start()
    kills = Counter[str]()
    try:
        for _ in _pauses(random.Random(seed), KILLS):
            kills[_kill(hub, random.Random(seed + sum(kills.values())))] += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    print(f"killed: {dict(kills)}; answered: {dict(done.answers)}; {len(done.promises)} promises")
    _wait_until_quiet(hub, own, settings.portal_url)
    _every_action_has_one_entry(own, done)
    _every_promise_is_kept(settings, done)
    _the_log_is_whole(own, settings, sound)


def _pauses(chance: random.Random, count: int) -> Iterator[int]:
    for number in range(count):
        time.sleep(chance.uniform(0.3, 3.0))
        yield number


def _kill(hub: Hub, chance: random.Random) -> str:
    """Kill one process of a service that is well: its first, or one that this started."""
    name = chance.choice(VICTIMS)
    pid = _wait(lambda: next((c.pid for c in hub.conditions() if c.name == name and c.health is Health.HEALTHY), 0))
    own = [pid, pid, *_children(pid)]
    victim = chance.choice(own)
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    return name if victim == pid else f"{name}'s child"


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _repeat(act: Callable[[], str], stop: threading.Event, done: Acknowledged) -> None:
    while not stop.wait(PAUSE):
        done.answers[act()] += 1


def _caller(settings: Settings, world: World, done: Acknowledged) -> Callable[[], str]:
    """A program that looks up records, for the wrong purpose at times, and keeps the promises that it is given."""
    pool = urllib3.PoolManager(timeout=20, retries=False)
    headers = {"Authorization": str(world.asks.environ_base["HTTP_AUTHORIZATION"])}
    url = f"{settings.portal_url}/api/v1/grants/{world.granted.id}/records"
    right, wrong = world.question(), world.question(purpose="营销")

    def act() -> str:
        question = wrong if len(done.promises) % 5 == 4 else right
        try:
            answer = pool.request("POST", url, json=question, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__
        if answer.status in {200, 403}:
            done.promises.append(answer.headers["Shuniu-Promise"])
        return str(answer.status)

    return act


def _orderer(settings: Settings, world: World, done: Acknowledged) -> Callable[[], str]:
    """A program that asks for deliveries, each with a key of its own that it repeats until it has an answer."""
    pool = urllib3.PoolManager(timeout=20, retries=False)
    token = {"Authorization": str(world.asks.environ_base["HTTP_AUTHORIZATION"])}
    order = {"grant_id": str(world.granted.id), "mode": "FILES", "format": "CSV", "matter": "办件-17"}
    order["purpose"] = world.granted.purpose
    keys = (str(uuid.uuid4()) for _ in itertools.count())
    asked = [next(keys)]

    def act() -> str:
        headers = token | {"Idempotency-Key": asked[-1]}
        try:
            answer = pool.request("POST", f"{settings.portal_url}/api/v1/deliveries", json=order, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            return f"order: {type(error).__name__}"
        if answer.status == 201:
            done.promises.append(answer.headers["Shuniu-Promise"])
            done.deliveries.append(answer.json()["id"])
            asked.append(next(keys))
        return f"order: {answer.status}{' again' if 'Idempotency-Replayed' in answer.headers else ''}"

    return act


def _official(settings: Settings, world: World, done: Acknowledged) -> Callable[[], str]:
    """An official who drafts applications and has their forms made; what was committed counts."""
    own = create_engine(settings.app_database_url, poolclass=NullPool)

    def act() -> str:
        try:
            with Session(own) as session:
                collect(session)
                application = replace(world.case, session=session).form()
                identity = str(application.id)
                session.commit()
                done.leaves += committed(session)
                done.applications.append(identity)
        except SQLAlchemyError as error:
            return type(error).__name__
        return "committed"

    return act


def _wait(found: Callable[[], Found]) -> Found:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not recover"
        time.sleep(0.05)
    return value


def _wait_until_quiet(hub: Hub, own: Any, portal_url: str) -> None:
    """All services are well again, and everything is numbered and published."""
    time.sleep(NOTICED_SECONDS)

    def quiet() -> bool:
        try:
            answers = urllib3.request("GET", f"{portal_url}/health", timeout=20, retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False
        if not answers or any(condition.health is not Health.HEALTHY for condition in hub.conditions()):
            return False
        try:
            with Session(own) as session:
                state = log_state(session)
                return not state.waiting and session.scalar(text("SELECT size FROM log_store")) == state.size
        except SQLAlchemyError:
            return False

    assert _wait(quiet)


def _every_action_has_one_entry(own: Any, done: Acknowledged) -> None:
    assert done.leaves
    with Session(own) as session:
        numbered = session.execute(
            text(
                "SELECT leaf_hash, count(*) FROM evidence JOIN log_leaf ON evidence_id = id"
                " WHERE leaf_hash = ANY(:leaves) GROUP BY leaf_hash"
            ),
            {"leaves": done.leaves},
        ).all()
        assert {leaf for leaf, _ in numbered} == set(done.leaves)
        assert {count for _, count in numbered} == {1}
        assert _counted(session, "application.drafted", "application", done.applications) == len(done.applications)
        assert _counted(session, "delivery.requested", "delivery", done.deliveries) == len(done.deliveries)
        orders = session.scalar(text("SELECT count(*) FROM delivery"))
        assert len(done.deliveries) <= orders <= len(done.deliveries) + ORDERERS, "one whose answer was never had"


def _counted(session: Session, kind: str, noun: str, ids: list[str]) -> int:
    """How many of these have their one entry of this kind."""
    assert ids
    assert len(set(ids)) == len(ids)
    statement = text("SELECT subject FROM evidence WHERE kind = :kind AND subject = ANY(:subjects)")
    found = session.scalars(statement, {"kind": kind, "subjects": [f"{noun}/{each}" for each in ids]}).all()
    assert len(set(found)) == len(found)
    return len(found)


def _every_promise_is_kept(settings: Settings, done: Acknowledged) -> None:
    assert len(done.promises) > KILLS
    given = {f"promise {number}": promise.encode() for number, promise in enumerate(done.promises)}
    later = system_now() + timedelta(hours=1)
    checked = check_files(given, Trust(log_keys(settings)), later, source_of(settings.portal_url))
    assert checked.status == HOLDS, [line for line in checked.lines if "kept" not in line]


def _the_log_is_whole(own: Any, settings: Settings, reconcilers: Any) -> None:
    keys = log_keys(settings)
    with Session(own) as session:
        count, last = session.execute(text("SELECT count(*), max(leaf_index) FROM log_leaf")).one()
        assert count == last + 1
        seal = Seal(settings.sealing_key)
        report = verify_log(session, keys.log, settings.log_origin, reconcilers, seal=seal, second=keys.second)
        verify_store(session, Place.of(settings), keys.log, report)
        print(f"verified: {report.entries} entries, {report.checkpoints} checkpoints, {report.stored} objects")
        assert report.ok, report.findings
        assert set(report.reconciled) >= {"application", "release-completed", "release-content", "grant-used"}
