"""PostgreSQL ends and comes back under a running portal: callers are told to try again at most, never a fault."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.database import engine, single_statements
from adapters.services.databases import connect
from adapters.services.foundation import running
from adapters.settings import Settings
from portal.app import create_app
from portal.migrations.run import upgrade
from tests.integration.portal.world import World, made
from tests.integration.services.watching import wait_until

AT_ONCE = 6
"""Callers at the same time, so that many connections lie in the pools."""


@pytest.fixture
def place(home: Path) -> Iterator[World]:
    """A portal over a database server of the test's own, with a case whose records can be looked up."""
    with running(home) as environment:
        settings = Settings.load(environment)
        upgrade(settings.database_url)
        own = create_engine(settings.app_database_url, poolclass=NullPool)
        with Session(own, expire_on_commit=False) as session:
            yield made(create_app(settings), session)
        own.dispose()
        engine(settings.app_database_url).dispose()
        single_statements(settings.app_database_url).dispose()


def postmaster(home: Path) -> int:
    return int(next(home.rglob("postmaster.pid")).read_text(encoding="ascii").splitlines()[0])


def client(world: World) -> FlaskClient:
    """A client of its own for each thread, with the requester's token."""
    opened = world.portal.test_client()
    opened.environ_base["HTTP_AUTHORIZATION"] = world.asks.environ_base["HTTP_AUTHORIZATION"]
    return opened


def calls(world: World) -> list[Callable[[FlaskClient], Any]]:
    """Reading, the interface call, and a request that writes."""
    need = {"provider_id": str(world.case.provider.id), "description": "说", "purpose": "用", "duty": "职"}
    return [
        lambda one: one.get("/health"),
        lambda one: one.get("/api/v1/grants"),
        world.look_up,
        lambda one: one.post("/api/v1/needs", json=need, headers={"Idempotency-Key": os.urandom(8).hex()}),
    ]


def together(world: World) -> list[int]:
    """Statuses of every call by all callers, all at once."""
    gate = threading.Barrier(AT_ONCE)

    def take_turns(_: int) -> list[int]:
        one = client(world)
        gate.wait(30)
        return [call(one).status_code for call in calls(world)]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [status for statuses in threads.map(take_turns, range(AT_ONCE)) for status in statuses]


USUAL = {200, 403}
"""Of ``calls``: the program may raise no needs, so a refusal is written."""


@pytest.mark.timeout(300)
def test_nobody_meets_a_fault_when_the_database_is_started_again(place: World, home: Path) -> None:
    assert set(together(place)) == USUAL
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        answers = answers_around(place, home, how)
        assert {answer.status_code for answer in answers} <= USUAL | {503}, how
        told = [answer.get_json() for answer in answers if answer.status_code == 503 and answer.is_json]
        assert all(body["retry_may_help"] for body in told), how
        assert set(together(place)) == USUAL, how


def test_connections_that_a_restart_cut_are_replaced_before_anybody_meets_them(place: World, home: Path) -> None:
    assert set(together(place)) == USUAL
    before = postmaster(home)
    os.kill(before, signal.SIGINT)
    wait_until(lambda: answering(place, home, before), 60)
    assert set(together(place)) == USUAL


def answers_around(world: World, home: Path, how: signal.Signals) -> list[Any]:
    """End the database while a caller goes on, and let the supervisor start it again; what the caller was answered."""
    before, over = postmaster(home), threading.Event()
    answers: list[Any] = []

    def go_on() -> None:
        one = client(world)
        while not over.wait(0.01):
            answers.extend(call(one) for call in calls(world))

    caller = threading.Thread(target=go_on)
    caller.start()
    wait_until(lambda: len(answers) > 20, 30)
    os.kill(before, how)
    wait_until(lambda: answering(world, home, before), 60)
    again = len(answers)
    wait_until(lambda: len(answers) > again + 20, 30)
    over.set()
    caller.join(30)
    return answers


def answering(world: World, home: Path, before: int) -> bool:
    """Whether another server than before takes connections."""
    try:
        if postmaster(home) == before:
            return False
        connect(world.portal.settings.database_url).close()
    except Exception:  # whatever says no yet
        return False
    return True
