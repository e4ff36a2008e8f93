"""Loading a table from PostgreSQL into the lake, beside a bare binary COPY drain of the same rows."""

import time
import uuid
from functools import partial
from statistics import median

import psycopg
from psycopg.sql import SQL, Identifier

from adapters.errors import Terminal
from bench.figures import Figure
from pipelines.ingest.request import request_load
from pipelines.steps import run_step
from portal.demo.made_data import COLUMNS
from portal.demo.market import market
from portal.demo.market_database import SCHEMA, TABLE, MarketDatabase
from portal.demo.stage import Stage
from portal.demo.story.catalogue import LEGAL_ENTITIES_ENTRY, resource_id_of

TIMES = 3
GOAL = 0.5


def measure(stage: Stage) -> list[Figure]:
    """Rows per second of a whole load, checks and digests included, and of the drain; medians, taken in turns."""
    source = market(stage)
    drained, loaded = [], []
    for _ in range(TIMES):
        drained.append(stage.rows / _drain(source, stage.rows))
        loaded.append(stage.rows / _load(stage))
        stage.say(f"ingest: drain {drained[-1]:,.0f} rows/s, load {loaded[-1]:,.0f} rows/s")
    return [Figure.beside("ingest from PostgreSQL to the lake", median(loaded), "rows/s", median(drained), GOAL)]


def _drain(source: MarketDatabase, rows: int) -> float:
    """Seconds in which nothing is done with the rows but to receive them."""
    columns = SQL(", ").join(map(Identifier, COLUMNS))
    copied = SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)").format(columns, Identifier(SCHEMA, TABLE))
    with psycopg.connect(source.plain_url) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        with cursor.copy(copied) as copy:
            size = sum(len(piece) for piece in copy)
        seconds = time.perf_counter() - began
        if cursor.rowcount != rows or not size:
            raise Terminal("bench.drain", "{found} rows were drained, not {rows}.", found=cursor.rowcount, rows=rows)
    return seconds


def _load(stage: Stage) -> float:
    """Seconds from planning to the committed version, in this process, the partitions one after the other."""
    resource = resource_id_of(stage, LEGAL_ENTITIES_ENTRY)
    asked = partial(request_load, resource_id=resource)
    work_id = stage.act(LEGAL_ENTITIES_ENTRY.compiler, lambda session, actor: asked(session, actor).id)
    began = time.perf_counter()
    plan = run_step(stage.settings, "plan", work_id)
    for part in plan["parts"]:
        run_step(stage.settings, "part", uuid.UUID(part))
    run_step(stage.settings, "commit", work_id)
    seconds = time.perf_counter() - began
    run_step(stage.settings, "serve", work_id)
    return seconds
