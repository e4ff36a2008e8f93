"""``shuniu down``: end the hub that runs in this home."""

import os
import signal
import time

import click

from adapters.errors import Transient
from adapters.services.home import running_process
from adapters.settings import Settings

STOP_SECONDS = 120.0


@click.command("down")
def command() -> None:
    """End the hub that runs in this home, in good order, and wait until it is gone."""
    home = Settings.load().home
    pid = running_process(home)
    if pid is None:
        click.echo(f"No hub runs in {home}.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running_process(home) == pid:
        if time.monotonic() > deadline:
            raise Transient(
                "services.not_stopped", "The hub (process {pid}) has not ended yet. Look at its logs.", pid=pid
            )
        time.sleep(0.1)
    click.echo("Stopped.")
