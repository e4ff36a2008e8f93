"""PostgreSQL and the object store together in one home: what every command of the hub needs beneath it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.errors import Transient
from adapters.services.databases import ensure_databases
from adapters.services.environment import generated_keys, write_environment
from adapters.services.ports import Ports, require_free
from adapters.services.postgres import EmbeddedPostgres
from adapters.services.process import GuardedProcess
from adapters.services.seaweedfs import EmbeddedSeaweed
from adapters.services.secrets import SecretFolder

START_SECONDS = 90.0
POLL_SECONDS = 0.05


@contextmanager
def running(home: Path, ports: Ports | None = None) -> Iterator[dict[str, str]]:
    """Run an embedded PostgreSQL and an embedded SeaweedFS while the block lasts.

    Args:
        home: folder that keeps data, secrets and logs; made when missing.
        ports: where to listen; free ones when not given.

    Returns:
        The hub's settings as environment variables, which also stand in ``home/secrets/environment``. The databases
        are there, the tables are not: run the migrations.

    Raises:
        Transient: a service did not come up; the sentence names its log.
    """
    home, ports = home.resolve(), ports or Ports.free()
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = SecretFolder(home / "secrets")
    postgres = EmbeddedPostgres(home, ports.postgres, secrets, {})
    seaweed = EmbeddedSeaweed(home, ports, secrets)
    require_free(ports, [name for name in ports.__dataclass_fields__ if name == "postgres" or name.startswith("s3")])
    started = [GuardedProcess(command, logs) for command in (postgres.prepare(logs), seaweed.prepare())]
    try:
        wait_until(postgres.is_ready, started[0], logs)
        wait_until(seaweed.is_ready, started[1], logs)
        postgres.ensure_owner()
        environment = {
            "SHUNIU_HOME": str(home),
            **ports.as_environment(),
            **ensure_databases(postgres.owner_url, secrets, {}).as_environment(),
            **seaweed.as_environment(),
            **generated_keys(secrets),
        }
        write_environment(home, environment)
        yield environment
    finally:
        for process in started:
            process.ask_to_stop()
        for process in started:
            process.wait()


def wait_until(ready: Callable[[], bool], process: GuardedProcess, logs: Path) -> None:
    """Wait until a freshly started service answers.

    Raises:
        Transient: it ended, or took longer than START_SECONDS.
    """
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.exit_status() is not None or time.monotonic() > deadline:
            raise Transient(
                "services.not_started",
                "{service} did not start; its reason is at the end of {log}.",
                service=process.name,
                log=str(logs / f"{process.name}.log"),
            )
        time.sleep(POLL_SECONDS)
