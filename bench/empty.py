"""The limit of an interface answer: a Flask application with one route that does nothing, on the portal's server."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from flask import Flask

from adapters.errors import Terminal
from adapters.services.ports import LOOPBACK
from portal.cli.up import portal_command

START_SECONDS = 30.0


def create_app() -> Flask:
    """The application."""
    app = Flask("empty")

    @app.get("/")
    def nothing() -> str:
        return ""

    return app


@contextmanager
def serving(port: int) -> Iterator[str]:
    """Run it on the same server with the same settings as the portal; yields its address."""
    command = portal_command(port, "bench.empty:create_app")
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL) as server:
        try:
            url = f"http://{LOOPBACK}:{port}/"
            _wait_for(url)
            yield url
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    pool = urllib3.PoolManager(retries=False)
    while time.monotonic() < deadline:
        try:
            if pool.request("GET", url, timeout=1).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    raise Terminal("bench.empty", "The empty application does not answer at {url}.", url=url)
