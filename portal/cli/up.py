"""``shuniu up``: everything in one terminal, until Ctrl-C."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import click

from adapters.errors import Misconfigured, ShuniuError
from adapters.services.hub import Hub, Programs
from adapters.services.ports import LOOPBACK, Ports
from adapters.settings import Settings
from audit.log_keys import public_settings
from portal.migrations.run import upgrade

PORTAL_PROCESSES = 2
PORTAL_THREADS = 8


@contextmanager
def running_hub(say: Callable[[str], None], environ: Mapping[str, str] | None = None) -> Iterator[Hub]:
    """Run the whole hub while the block lasts; the portal answers when it begins, Airflow may still be coming up.

    SIGINT, SIGTERM and SIGHUP leave the block with KeyboardInterrupt and end the services in good order; a second one
    ends them at once. To be called from the main thread.

    Args:
        say: takes lines of progress.
        environ: settings; the process's environment when not given.

    Raises:
        ShuniuError: a service cannot be started, or a setting is wrong.
        KeyboardInterrupt: a signal came.
    """
    environ = dict(os.environ if environ is None else environ)
    hub = Hub(Settings.load(environ).home, environ, _programs(environ), say)
    asked = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            hub.kill()
            return
        asked.set()
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, end) for number in numbers]
    try:
        hub.start()
        try:
            yield hub
        finally:
            asked.set()
            say("Stopping; Ctrl-C again stops at once.")
            hub.stop()
            say("Stopped.")
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@click.command("up")
def command() -> None:
    """Start the hub and keep it running until Ctrl-C."""
    try:
        with running_hub(click.echo) as hub:
            click.echo(f"The portal is at {hub.portal_url}")
            click.echo("Airflow is coming up; `shuniu status` shows every service. Ctrl-C stops the hub.")
            _tell_about_airflow(hub)
            threading.Event().wait()
    except KeyboardInterrupt:
        return


def _tell_about_airflow(hub: Hub) -> None:
    try:
        hub.wait_for_airflow()
    except ShuniuError as error:
        click.echo(f"{error} The portal works without it; moving data waits.", err=True)
        return
    address = next(one.address for one in hub.conditions() if one.name in {"airflow", "airflow-api"})
    click.echo(f"Airflow is at {address}")


def _programs(environ: Mapping[str, str]) -> Programs:
    shuniu = _shuniu()
    return Programs(
        migrate=upgrade,
        portal=portal_command(Ports.load(environ).portal),
        worker=[str(shuniu), "worker"],
        dags=_package_folder("airflow_dags"),
        shuniu=shuniu,
        public=public_settings,
    )


def portal_command(port: int, application: str = "portal.app:create_app") -> list[str]:
    """The command line of the portal's server; another application can be measured on the same server."""
    return [
        *(sys.executable, "-m", "granian", application, "--factory", "--interface", "wsgi"),
        *("--host", LOOPBACK, "--port", str(port)),
        *("--workers", str(PORTAL_PROCESSES), "--blocking-threads", str(PORTAL_THREADS)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "10", "--no-ws", "--log-level", "warning"),
    ]


def _package_folder(name: str) -> Path:
    found = find_spec(name)
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]).resolve()


def _shuniu() -> Path:
    """The command ``shuniu`` of this environment; Airflow's tasks call it by its absolute path."""
    beside = Path(sys.executable).with_name("shuniu")
    found = str(beside) if beside.exists() else shutil.which("shuniu")
    if not found:
        raise Misconfigured(
            "services.no_command", "The command `shuniu` is not installed beside {python}.", python=sys.executable
        )
    return Path(found).absolute()
