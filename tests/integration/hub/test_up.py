"""`shuniu up`, `status` and `down` as an operator meets them; what kills a whole hub is in `tests/prove`."""

import json
import os
import signal
import socket
import subprocess
import uuid
from pathlib import Path

import pytest

from adapters.airflow import AirflowClient, RunState
from adapters.errors import Misconfigured, NotFound
from adapters.services.databases import connect, ensure_databases
from adapters.services.foundation import ensure_bucket
from adapters.services.home import reported_services
from adapters.services.ports import Ports
from adapters.services.secrets import SecretFolder
from adapters.settings import Settings
from tests.integration.running_hub import BASE, SHUNIU, RunningHub, start_hub
from tests.integration.services.watching import processes_of, wait_until


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


def test_the_logs_key_is_the_workers_alone(hub: RunningHub) -> None:
    key = (hub.home / "secrets" / "log-key").read_text()
    assert key not in (hub.home / "secrets" / "environment").read_text()
    pids = {row["name"]: row["pid"] for row in reported_services(hub.home) if row["pid"]}
    assert {name for name, pid in pids.items() if key.encode() in Path(f"/proc/{pid}/environ").read_bytes()} == {
        "worker"
    }
    said = hub.shuniu("audit", "key").stdout.split()
    assert said == hub.settings.log_verifier.split()
    assert len(said) == 3


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
    # The test before this one killed the database that Airflow's scheduler and processor live on.
    wait_until(lambda: set(client.health().values()) == {"healthy"}, 120)
    with pytest.raises(NotFound, match="no_such_dag"):
        client.trigger("no_such_dag", {}, "run")
    with pytest.raises(NotFound, match="no-such-run"):
        client.run_state("no_such_dag", "no-such-run")
    run_id = uuid.uuid4().hex
    assert client.trigger("sweep", {}, run_id) == run_id
    assert client.trigger("sweep", {}, run_id) == run_id
    wait_until(lambda: client.run_state("sweep", run_id).is_over, 120)
    assert client.run_state("sweep", run_id) is RunState.SUCCESS


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


def test_own_services_replace_the_embedded_ones(tmp_path: Path, hub: RunningHub, services: dict[str, str]) -> None:
    with connect(services["SHUNIU_DATABASE_URL"]) as connection:
        connection.execute("CREATE DATABASE own_city")
    own = {
        **Ports.free().as_environment(),
        **hub.airflow,
        "SHUNIU_DATABASE_URL": services["SHUNIU_DATABASE_URL"].removesuffix("/shuniu") + "/own_city",
        "SHUNIU_S3_BUCKET": "own-city",
        **{name: services[name] for name in ("SHUNIU_S3_URL", "SHUNIU_S3_ACCESS_KEY", "SHUNIU_S3_SECRET_KEY")},
    }
    city = start_hub(tmp_path / "home", own)
    city.wait_for({"postgresql", "object-store", "airflow", "portal", "worker"})
    addresses = {row["name"]: row["address"] for row in reported_services(city.home)}
    assert addresses["object-store"] == services["SHUNIU_S3_URL"]
    assert addresses["airflow"] == hub.settings.airflow_url
    assert not (city.home / "postgres").exists()
    settings = Settings.load({"SHUNIU_HOME": str(city.home)})
    assert settings.s3_bucket == "own-city"
    with connect(settings.app_database_url) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("own_city_app", "own_city")
    assert settings.s3_bucket == "own-city", "Airflow's tasks know nothing but this file"
    assert city.shuniu("down").returncode == 0
    city.process.wait(60)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"SHUNIU_DATABASE_URL": "postgresql+psycopg://nobody:wrong@127.0.0.1:1/x"},
            ["SHUNIU_DATABASE_URL", "refused"],
        ),
        ({"SHUNIU_DATABASE_URL": "no address at all"}, ["SHUNIU_DATABASE_URL"]),
        ({"SHUNIU_S3_URL": "http://127.0.0.1:1"}, ["SHUNIU_S3_ACCESS_KEY is not"]),
        ({"SHUNIU_AIRFLOW_URL": "http://127.0.0.1:1"}, ["http://127.0.0.1:1", "SHUNIU_AIRFLOW_URL"]),
        ({"SHUNIU_PORTAL_PORT": "many"}, ["SHUNIU_PORTAL_PORT", "many"]),
        ({"SHUNIU_PORTAL_PORT": "70000"}, ["SHUNIU_PORTAL_PORT", "70000"]),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, given: dict[str, str], words: list[str]) -> None:
    answer = up({"PATH": os.environ["PATH"], "SHUNIU_HOME": str(tmp_path), **Ports.free().as_environment(), **given})
    assert answer.returncode == 1, answer.stdout
    for word in words:
        assert word in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not processes_of(tmp_path)


def test_wrong_keys_of_an_own_store_are_named(services: dict[str, str]) -> None:
    wrong = {name: services[name] for name in ("SHUNIU_S3_URL", "SHUNIU_S3_ACCESS_KEY")} | {
        "SHUNIU_S3_SECRET_KEY": "x" * 40
    }
    with pytest.raises(Misconfigured, match="SHUNIU_S3_SECRET_KEY"):
        ensure_bucket(wrong, "any")


def test_wrong_login_of_an_own_airflow_is_named(hub: RunningHub) -> None:
    for client in (
        AirflowClient(hub.settings.airflow_url, token="made-up"),
        AirflowClient(hub.settings.airflow_url, user="hub", password="wrong"),
    ):
        with pytest.raises(Misconfigured, match="SHUNIU_AIRFLOW_TOKEN"):
            client.check_login()


def test_owner_without_the_right_to_make_roles_is_told(services: dict[str, str], tmp_path: Path) -> None:
    serving = services["SHUNIU_SERVING_URL"]
    with pytest.raises(Misconfigured, match="CREATEROLE"):
        ensure_databases(serving, SecretFolder(tmp_path / "secrets"), {})


def test_status_without_a_hub_says_how_to_start_one(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "SHUNIU_HOME": str(tmp_path / "home")}
    answer = subprocess.run([SHUNIU, "status"], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 3
    assert "shuniu up" in answer.stdout
