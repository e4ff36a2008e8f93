"""`shuniu up`, `status` and `down` as an operator meets them."""

import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.airflow import AirflowClient, RunState
from adapters.errors import NotFound
from adapters.services.databases import connect
from adapters.services.home import reported_services
from adapters.services.ports import Ports
from tests.integration.running_hub import BASE, SHUNIU, RunningHub, start_hub
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


def up(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `shuniu up` that is expected to refuse."""
    return subprocess.run([SHUNIU, "up"], env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_status_shows_address_and_health_of_every_service(hub: RunningHub) -> None:
    answer = hub.shuniu("status", "--json")
    assert answer.returncode == 0
    status = json.loads(answer.stdout)
    assert status["pid"] == hub.process.pid
    services = {row["name"]: row for row in status["services"]}
    assert {row["health"] for row in services.values()} == {"healthy", "done"}
    ports = Ports.load(hub.environ)
    assert services["postgresql"]["address"] == f"127.0.0.1:{ports.postgres}"
    assert services["airflow-api"]["address"] == f"http://127.0.0.1:{ports.airflow}"
    assert "healthy" in hub.shuniu("status").stdout


def test_killed_service_comes_back(hub: RunningHub) -> None:
    for name in ("worker", "seaweedfs", "postgresql", "portal"):
        before = next(row for row in reported_services(hub.home) if row["name"] == name)
        os.kill(before["pid"], signal.SIGKILL)
        wait_until(
            lambda name=name, before=before: any(  # type: ignore[misc]  # mypy infers no type for defaults of a lambda
                row["name"] == name and row["health"] == "healthy" and row["restarts"] > before["restarts"]
                for row in reported_services(hub.home)
            ),
            60,
        )
    hub.wait_for(BASE, 60)


def test_airflow_runs_what_it_is_asked_to(hub: RunningHub) -> None:
    client = AirflowClient.of(hub.settings)
    client.check_login()
    assert set(client.health().values()) == {"healthy"}
    with pytest.raises(NotFound, match="no_such_dag"):
        client.trigger("no_such_dag", {}, "run")
    with pytest.raises(NotFound, match="no-such-run"):
        client.run_state("no_such_dag", "no-such-run")
    assert RunState.SUCCESS.is_over


def test_second_hub_in_the_same_home_is_refused(hub: RunningHub) -> None:
    answer = up(hub.environ)
    assert answer.returncode == 1
    assert f"process {hub.process.pid}" in answer.stderr
    assert "shuniu down" in answer.stderr
    assert hub.process.poll() is None


def test_busy_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        environ = Ports.free().as_environment() | {"SHUNIU_S3_VOLUME_PORT": str(port)}
        answer = up({"PATH": os.environ["PATH"], "SHUNIU_HOME": str(tmp_path / "home"), **environ})
    assert answer.returncode == 1
    assert str(port) in answer.stderr
    assert "SHUNIU_S3_VOLUME_PORT" in answer.stderr
    assert not processes_of(tmp_path / "home")


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


def test_second_interrupt_ends_everything_at_once(own_hub: RunningHub) -> None:
    own_hub.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    begun = time.monotonic()
    own_hub.process.send_signal(signal.SIGINT)
    own_hub.process.wait(30)
    assert time.monotonic() - begun < 10
    wait_until(lambda: not processes_of(own_hub.home), 10)


def test_status_without_a_hub_says_how_to_start_one(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "SHUNIU_HOME": str(tmp_path / "home")}
    answer = subprocess.run([SHUNIU, "status"], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 3
    assert "shuniu up" in answer.stdout
