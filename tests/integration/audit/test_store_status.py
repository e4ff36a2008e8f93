"""What ``shuniu status`` and ``shuniu audit verify`` say of the log in the object store, as commands."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import portal.cli.status
from audit.store.place import Place
from audit.store.run import Publisher
from portal.cli.main import shuniu
from tests.integration.audit.conftest import Log

Run = Callable[..., Result]


@pytest.fixture
def run(log: Log, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in a home where the hub seems to run: the services are the tests' own."""
    monkeypatch.setattr(portal.cli.status, "running_process", lambda _: 1)
    monkeypatch.setattr(portal.cli.status, "reported_services", lambda _: [])

    def call(*arguments: str, **settings: str) -> Result:
        environment = {**log.environment, "SHUNIU_HOME": str(home), **settings}
        return CliRunner().invoke(shuniu, arguments, env=environment)

    return call


def step(log: Log, **settings: str) -> Place:
    log.write(5)
    log.sequence()
    changed = type(log)({**log.environment, **settings}).settings
    place = Place.of(changed)
    publisher = Publisher(changed, place)
    try:
        publisher.step()
    except Exception as error:  # as the publisher's own loop does
        publisher.failed(error)
    return place


def test_status_says_how_far_the_store_is(log: Log, run: Run) -> None:
    assert "has 0 of the log's 0 entries" in run("status").output
    step(log)
    told = run("status")
    assert told.exit_code == 0
    assert "has 5 of the log's 5 entries" in told.output
    assert "held until" in told.output
    assert "WARNING" not in told.output
    assert json.loads(run("status", "--json").output)["log_store"]["lock"] == "LOCKED"


def test_status_names_the_problem_and_fails(log: Log, run: Run) -> None:
    step(log).remove("checkpoint")
    step(log)
    told = run("status")
    assert told.exit_code == 1
    assert "PROBLEM" in told.output
    assert "its checkpoint of 5 entries is gone" in told.output
    mended = run("publish-again", "--reason", "the disk was exchanged")
    assert (mended.exit_code, mended.output) == (0, "2 objects were written. The worker goes on from here.\n")
    assert run("status").exit_code == 0
