"""A small file through Airflow: from the request to the whole file at the receiver."""

import time
import uuid
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.figures import Figure
from exchange.deliveries.models import FileFormat
from exchange.grants.queries import for_resource
from portal.demo.arrivals import Order, ask, receive
from portal.demo.cast import CIVIL_AFFAIRS
from portal.demo.entries import DIVISIONS
from portal.demo.stage import Stage
from portal.demo.story.catalogue import DIVISIONS_ENTRY, publish_entry, resource_id_of
from portal.demo.story.delivering import ANYBODYS_PURPOSE, MATTER
from portal.demo.story.loading import ask_for_load, attach_file, await_load
from portal.demo.story.people import agency_id
from schemas.words import Mode

TIMES = 5
GOAL = 8.0
ROWS = 1_000
SMALL = replace(DIVISIONS_ENTRY, key="small", entry=DIVISIONS | {"name": "部分行政区划代码"})


def measure(stage: Stage) -> list[Figure]:
    """Median seconds from asking to having the file, one delivery after the other."""
    grant = _small_resource(stage)
    seconds = []
    for number in range(TIMES):
        order = Order(f"bench.{number}", "matao", grant, Mode.FILES, FileFormat.CSV, ANYBODYS_PURPOSE, MATTER)
        began = time.perf_counter()
        receive(stage, order, ask(stage, order))
        seconds.append(time.perf_counter() - began)
        stage.say(f"delivery: {seconds[-1]:.2f} s")
    return [Figure.at_most("small file through Airflow, asked to delivered", median(seconds), "s", GOAL)]


def _small_resource(stage: Stage) -> uuid.UUID:
    """Publish and load a resource of a thousand rows; the standing grant on it."""
    publish_entry(stage, SMALL, "UNIVERSAL")
    whole = stage.settings.home / "demo" / "divisions.csv"
    part = Path(stage.settings.home / "demo" / "small.csv")
    with whole.open(encoding="utf-8") as lines:
        part.write_text("".join(line for _, line in zip(range(ROWS + 1), lines, strict=False)), encoding="utf-8")
    attach_file(stage, SMALL, agency_id(stage, CIVIL_AFFAIRS), part)
    ask_for_load(stage, SMALL)
    await_load(stage, SMALL)
    resource = resource_id_of(stage, SMALL)
    return stage.act("matao", lambda session, actor: for_resource(session, actor, resource)[0].id)
