"""The sweep: lost calls, runs that ended without doing their work, tables nobody needs."""

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest
from sqlalchemy import select, update

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Terminal
from adapters.serving import Serving, table_name
from adapters.settings import Settings
from adapters.work import MAXIMUM_ATTEMPTS, Runner, Work, WorkState, enqueue
from directory.datasets.models import DatasetState, DatasetVersion
from pipelines.ingest.load import load_now
from pipelines.ingest.request import request_load
from pipelines.reconcile.sweep import SERVED_FOR, sweep
from pipelines.steps import run_step
from pipelines.wake import wake
from tests.integration.pipelines.conftest import Hub
from tests.integration.pipelines.test_ingest import GOOD, compiler


@dataclass
class Airflow:
    """Answers as Airflow's REST API does; the test says how runs are."""

    url: str = ""
    runs: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def airflow(hub: Hub) -> Iterator[Airflow]:
    """Airflow's side of the calls. The real one takes part in the tests of the whole hub."""
    known = Airflow()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/auth/token":
                self._answer(201, {"access_token": "t"})
                return
            name = body["dag_run_id"]
            self._answer(409 if name in known.runs else 200, {})
            known.runs.setdefault(name, "running")

        def do_GET(self) -> None:
            name = self.path.rsplit("/", 1)[-1]
            state = known.runs.get(name)
            self._answer(200 if state else 404, {"state": state})

        def _answer(self, status: int, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    hub.settings = replace(hub.settings, airflow_url=known.url, airflow_user="hub", airflow_password="x")
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


def work(settings: Settings, age: timedelta = timedelta(minutes=1)) -> uuid.UUID:
    with transaction(settings.app_database_url) as session:
        made = enqueue(session, "ingest", Runner.AIRFLOW, {"resource_id": str(uuid.uuid4())})
        made.due_at = system_now() - age
        return made.id


def test_a_lost_call_is_made_up_for_and_a_fresh_one_left_alone(hub: Hub, airflow: Airflow) -> None:
    lost, fresh = work(hub.settings), work(hub.settings, timedelta())
    assert sweep(hub.settings)["woken"] == 1
    assert list(airflow.runs) == [f"ingest-{lost}-0"]
    assert wake(hub.settings, fresh) == wake(hub.settings, fresh) == f"ingest-{fresh}-0"
    sweep(hub.settings)
    assert set(airflow.runs) == {f"ingest-{lost}-0", f"ingest-{fresh}-0"}


def test_a_run_that_ended_without_the_work_is_followed_by_another_until_it_is_given_up(
    hub: Hub, airflow: Airflow
) -> None:
    lost = work(hub.settings)
    for run in range(MAXIMUM_ATTEMPTS):
        assert sweep(hub.settings)["woken"] == 1
        assert list(airflow.runs)[-1] == f"ingest-{lost}-{run}"
        airflow.runs[f"ingest-{lost}-{run}"] = "failed"
    assert sweep(hub.settings)["given_up"] == 1
    with transaction(hub.settings.app_database_url) as session:
        assert session.get_one(Work, lost).state == WorkState.FAILED
    assert sweep(hub.settings) == {"woken": 0, "given_up": 0, "tables_dropped": 0}


def test_a_lease_whose_process_is_gone_is_found(hub: Hub, airflow: Airflow) -> None:
    lost = work(hub.settings)
    with transaction(hub.settings.app_database_url) as session:
        gone = {"state": WorkState.LEASED, "leased_until": system_now() - timedelta(seconds=1)}
        session.execute(update(Work).where(Work.id == lost).values(gone))
    assert sweep(hub.settings)["woken"] == 1


def test_an_airflow_that_does_not_answer_harms_nobody(hub: Hub) -> None:
    hub.settings = replace(hub.settings, airflow_url="http://127.0.0.1:9", airflow_token="t")
    lost = work(hub.settings)
    with pytest.raises(Exception, match="does not answer"):
        sweep(hub.settings)
    with transaction(hub.settings.app_database_url) as session:
        assert session.get_one(Work, lost).state == WorkState.WAITING


def test_only_airflows_work_is_woken(hub: Hub, airflow: Airflow) -> None:
    with pytest.raises(Terminal):
        wake(hub.settings, uuid.uuid4())
    assert airflow.runs == {}


def test_a_superseded_table_is_dropped_after_its_grace(hub: Hub, airflow: Airflow) -> None:
    resource_id = hub.resource(["BROWSE"])
    first = hub.attach(resource_id, hub.table(GOOD))
    load_now(hub.settings, first)
    with transaction(hub.settings.app_database_url) as session:
        second = request_load(session, compiler(session, resource_id), resource_id).id
    load_now(hub.settings, second)
    old, new = hub.dataset(first).serving_table, hub.dataset(second).serving_table
    serving = Serving.of(hub.settings)
    sweep(hub.settings)
    assert {old, new} <= set(serving.tables())
    with transaction(hub.settings.app_database_url) as session:
        long_ago = system_now() - SERVED_FOR - timedelta(seconds=1)
        session.execute(update(DatasetVersion).values(ready_at=long_ago))
    assert sweep(hub.settings)["tables_dropped"] == 1
    assert old not in serving.tables()
    assert new in serving.tables()
    with transaction(hub.settings.app_database_url) as session:
        states = list(session.scalars(select(DatasetVersion.state).order_by(DatasetVersion.number)))
    assert states == [DatasetState.READY, DatasetState.SERVED]


def test_a_table_that_nobody_names_is_dropped_and_one_under_way_is_not(hub: Hub, airflow: Airflow) -> None:
    work_id = hub.attach(hub.resource(["BROWSE"]), hub.table(GOOD))
    serving = Serving.of(hub.settings)
    for part in run_step(hub.settings, "plan", work_id)["parts"]:
        run_step(hub.settings, "part", uuid.UUID(part))
    run_step(hub.settings, "commit", work_id)
    under_way, orphan = table_name(hub.dataset(work_id).id), table_name(uuid.uuid4())
    schema = pa.schema([("code", pa.string())])
    for table in (under_way, orphan):
        serving.load(table, schema, [pa.record_batch([["a"]], schema=schema)], ["code"])
    assert sweep(hub.settings)["tables_dropped"] >= 1
    assert under_way in serving.tables()
    assert orphan not in serving.tables()
    with transaction(hub.settings.app_database_url) as session:
        session.execute(update(Work).where(Work.id == work_id).values(state=WorkState.FAILED))
    assert sweep(hub.settings)["tables_dropped"] == 1
    assert under_way not in serving.tables()
