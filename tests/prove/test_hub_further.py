"""A whole hub that is killed, and one that is interrupted twice: no process stays, and nothing is lost."""

import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.services.databases import connect
from adapters.services.ports import Ports
from tests.integration.running_hub import BASE, RunningHub, start_hub
from tests.integration.services.watching import processes_of, wait_until


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[RunningHub]:
    """A hub that a test may kill; its portal answers, its Airflow is still coming up."""
    running = start_hub(tmp_path / "home", Ports.free().as_environment())
    try:
        running.wait_for(BASE)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        wait_until(lambda: not processes_of(running.home), 60)


def test_killed_hub_leaves_no_orphans_and_starts_again(own_hub: RunningHub) -> None:
    name = f"kept_{uuid.uuid4().hex}"
    with connect(own_hub.settings.database_url) as connection:
        connection.execute(f"CREATE TABLE {name} AS SELECT 1 AS number")
    own_hub.process.kill()
    own_hub.process.wait()
    assert own_hub.shuniu("status").returncode == 3
    again = start_hub(own_hub.home, own_hub.environ)
    try:
        again.wait_for(BASE)
        with connect(again.settings.database_url) as connection:
            assert connection.execute(f"SELECT number FROM {name}").fetchone() == (1,)
        answer = again.shuniu("down")
        assert (answer.returncode, answer.stdout) == (0, "Stopped.\n")
    finally:
        again.process.wait(60)
    assert not processes_of(own_hub.home)


def test_second_interrupt_ends_everything_at_once(tmp_path: Path) -> None:
    impatient = start_hub(tmp_path / "home", Ports.free().as_environment())
    impatient.wait_for(BASE)
    impatient.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    impatient.process.send_signal(signal.SIGINT)
    impatient.process.wait(30)
    wait_until(lambda: not processes_of(impatient.home), 10)
