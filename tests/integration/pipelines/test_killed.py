"""Steps killed in the middle (SIGKILL) and repeated: no row twice, none missing, nothing left behind."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import select

from adapters.database import transaction
from adapters.errors import ShuniuError, Transient
from adapters.lake import Lake
from adapters.objects import objects
from adapters.serving import Serving, plain_url
from adapters.work import Work, WorkState
from audit.models import Evidence
from directory.datasets.models import DatasetState
from pipelines.ingest import plan
from pipelines.steps import run_step
from tests.integration.pipelines.conftest import Hub

ROWS = [(f"C{i:05}", f"企业{i}", f"{i}.5", f"2001-01-{i % 28 + 1:02}") for i in range(3_000)]
LATE = [("C00001", "again", "2999.75", "2001-01-01")]
SECONDS = 150.0


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def repeated(hub: Hub, name: str, work_id: uuid.UUID) -> None:
    """Repeat a killed step, as soon as PostgreSQL has seen that the killed process is gone."""

    def held() -> bool:
        try:
            run_step(hub.settings, name, work_id)
        except Transient as error:
            return error.code == "work.held"
        return False

    wait_for(lambda: not held())


@contextmanager
def locked(hub: Hub, table: str, row: uuid.UUID) -> Iterator[None]:
    """Hold a row, so that a step that wants to finish stands still."""
    with psycopg.connect(plain_url(hub.settings.database_url)) as connection:
        connection.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE", [row])
        yield


def is_leased(hub: Hub, work_id: uuid.UUID) -> bool:
    with transaction(hub.settings.app_database_url) as session:
        return session.get_one(Work, work_id).state == WorkState.LEASED


def test_a_part_killed_before_its_end_is_repeated_whole(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(), hub.table(ROWS))
    [part] = run_step(hub.settings, "plan", work_id)["parts"]
    location = hub.dataset(work_id).location
    store = objects(hub.settings)
    step = hub.step("part", part)
    wait_for(lambda: is_leased(hub, uuid.UUID(part)))
    with locked(hub, "work", uuid.UUID(part)):
        wait_for(lambda: list(store.keys(f"{location}/parts/")))
        step.kill()
        step.communicate()
    repeated(hub, "part", uuid.UUID(part))
    assert len(list(store.keys(f"{location}/parts/"))) == 2
    run_step(hub.settings, "commit", work_id)
    run_step(hub.settings, "serve", work_id)
    dataset = hub.dataset(work_id)
    assert (dataset.state, dataset.rows_good) == (DatasetState.READY, len(ROWS))
    assert dataset.delta_version is not None
    rows = Lake(hub.settings).scan(location, dataset.delta_version, ["code"]).read_all()
    assert rows["code"].to_pylist() == [row[0] for row in ROWS]
    assert len(list(store.keys(f"{location}/parts/"))) == 1


def test_a_commit_killed_between_lake_and_database_is_one_version(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 1_000)
    config = hub.table(ROWS + LATE) | {"partition_column": "capital"}
    work_id = hub.attach(hub.resource(["BROWSE"]), config)
    for part in run_step(hub.settings, "plan", work_id)["parts"]:
        run_step(hub.settings, "part", uuid.UUID(part))
    dataset = hub.dataset(work_id)
    lake = Lake(hub.settings)
    with locked(hub, "dataset_version", dataset.id):
        step = hub.step("commit", str(work_id))
        wait_for(lambda: _version(lake, dataset.location) == 1)
        step.kill()
        step.communicate()
    repeated(hub, "commit", work_id)
    run_step(hub.settings, "serve", work_id)
    dataset = hub.dataset(work_id)
    assert (dataset.delta_version, dataset.rows_good, dataset.rows_set_aside) == (1, len(ROWS), 1)
    assert _version(lake, dataset.location) == 1
    codes = lake.scan(dataset.location, 1, ["code"]).read_all()["code"].to_pylist()
    assert sorted(codes) == [row[0] for row in ROWS]
    assert dataset.serving_table
    assert len(Serving.of(hub.settings).browse(dataset.serving_table, ["code"], {}, 5_000, None)) == len(ROWS)
    with transaction(hub.settings.app_database_url) as session:
        loaded = session.scalars(select(Evidence.id).where(Evidence.kind == "dataset.loaded")).all()
    assert len(loaded) == 1


def _version(lake: Lake, location: str) -> int:
    """The newest version of a table; -1 while there is none."""
    version = -1
    try:
        while True:
            lake.count(location, version + 1)
            version += 1
    except ShuniuError:
        return version


def test_a_step_that_another_process_is_at_is_put_off(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(), hub.table(ROWS))
    run_step(hub.settings, "plan", work_id)
    [part] = run_step(hub.settings, "plan", work_id)["parts"]
    first = hub.step("part", part)
    wait_for(lambda: is_leased(hub, uuid.UUID(part)))
    with locked(hub, "work", uuid.UUID(part)):
        second = hub.step("part", part)
        out, _ = second.communicate(timeout=SECONDS)
        assert (second.returncode, json.loads(out)["error"]) == (75, "work.held")
    first.communicate(timeout=SECONDS)
    assert first.returncode == 0
