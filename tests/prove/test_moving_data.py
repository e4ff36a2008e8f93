"""Long proofs of moving data: kills at any moment, and memory that does not grow with the source."""

import json
import random
import subprocess
import sys
import time
import uuid
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from adapters.lake import Lake
from adapters.objects import objects
from adapters.serving import Serving, plain_url
from directory.datasets.models import DatasetState
from tests.integration.pipelines.conftest import REPOSITORY, Hub, hub

__all__ = ["hub"]

ROWS = 60_000
REPEATED = 7
KILLS = 6
SECONDS = 300.0
MEASURED = """
import json, resource, sys, uuid
from adapters.settings import Settings
import audit.append, exchange.release
from pipelines.steps import run_step

settings = Settings.load()
audit.append.configure(settings.log_origin, settings.sealing_key)
exchange.release.configure(settings.sealing_key.encode()[:64])
run_step(settings, sys.argv[1], uuid.UUID(sys.argv[2]))
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
"""


def filled(hub: Hub, rows: int) -> dict[str, Any]:
    """A source with so many rows, made by its own database; every 1,000th row is bad."""
    config = hub.table([])
    table = Identifier(str(config["schema"]), "entity")
    made = SQL(
        "INSERT INTO {} SELECT 'C' || lpad(i::text, 7, '0'), CASE WHEN i %% 1000 = 0 THEN NULL ELSE '企业' || i END,"
        " (i %% 977)::text || '.25', (date '2001-01-01' + (i %% 7000)::int)::text FROM generate_series(1, %s) AS i"
    ).format(table)
    with psycopg.connect(plain_url(hub.settings.database_url)) as connection:
        connection.execute(made, [rows])
    return config


def test_steps_killed_at_any_moment_give_every_row_once(hub: Hub) -> None:
    config = filled(hub, ROWS)
    table = Identifier(str(config["schema"]), "entity")
    with psycopg.connect(plain_url(hub.settings.database_url)) as connection:
        connection.execute(
            SQL("INSERT INTO {0} SELECT * FROM {0} WHERE 编码 > '' ORDER BY 1 LIMIT %s").format(table), [REPEATED]
        )
    work_id = hub.attach(hub.resource(["BROWSE"]), config)
    chance = random.Random(20261122)
    usual, kills = 1.5, 0

    def until_done(name: str, identity: str) -> dict[str, Any]:
        """Kill the step several times at random moments of its usual time, then let it end."""
        nonlocal usual, kills
        for _ in range(KILLS):
            step = hub.step(name, identity)
            try:
                step.communicate(timeout=chance.uniform(0.1, usual))
            except subprocess.TimeoutExpired:
                step.kill()
                step.communicate()
                kills += 1
        while True:
            began = time.monotonic()
            step = hub.step(name, identity)
            out, err = step.communicate(timeout=SECONDS)
            if step.returncode != 75:
                break
            time.sleep(0.2)
        assert step.returncode == 0, out + err
        usual = time.monotonic() - began
        result: dict[str, Any] = json.loads(out)
        return result

    planned = until_done("plan", str(work_id))
    for part in planned["parts"]:
        until_done("part", part)
    until_done("commit", str(work_id))
    until_done("serve", str(work_id))
    assert kills >= KILLS
    dataset = hub.dataset(work_id)
    good = ROWS - ROWS // 1000
    assert dataset.state == DatasetState.SERVED
    assert (dataset.rows_source, dataset.rows_good) == (ROWS + REPEATED, good)
    assert dataset.delta_version is not None
    codes = Lake(hub.settings).scan(dataset.location, dataset.delta_version, ["code"]).read_all()["code"]
    assert len(set(codes.to_pylist())) == len(codes) == good
    assert len(list(objects(hub.settings).keys(f"{dataset.location}/parts/"))) == 1
    assert dataset.serving_table
    assert len(Serving.of(hub.settings).browse(dataset.serving_table, ["code"], {}, good + 1, None)) == good


@pytest.mark.parametrize("mode", ["BROWSE"])
def test_memory_does_not_grow_with_the_source(hub: Hub, mode: str) -> None:
    used: dict[int, dict[str, int]] = {}
    for rows in (200_000, 2_000_000):
        work_id = hub.attach(hub.resource([mode]), filled(hub, rows) | {"partition_column": "编码"})
        used[rows] = {"plan": measured(hub, "plan", work_id)}
        parts = planned_parts(hub, work_id)
        used[rows]["part"] = max(measured(hub, "part", uuid.UUID(part)) for part in parts)
        used[rows] |= {name: measured(hub, name, work_id) for name in ("commit", "serve")}
        assert hub.dataset(work_id).rows_good == rows - rows // 1000
    for name, size in used[2_000_000].items():
        assert size < used[200_000][name] + 350 * 2**20, used
        assert size < 900 * 2**20, used


def planned_parts(hub: Hub, work_id: uuid.UUID) -> list[str]:
    step = hub.step("plan", str(work_id))
    out, err = step.communicate(timeout=SECONDS)
    assert step.returncode == 0, err
    parts: list[str] = json.loads(out)["parts"]
    return parts


def measured(hub: Hub, name: str, work_id: uuid.UUID) -> int:
    """Bytes of memory that a step took at most."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, name, str(work_id)],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY), **hub.environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
