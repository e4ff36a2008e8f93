"""When data moves: ``ingest``, ``deliver`` and ``sweep``, a DAG per kind of work and never one per dataset.

This file is all that an Airflow needs of the hub: it imports Airflow's SDK alone. A task runs the hub's own command in
the hub's own environment (``SHUNIU_COMMAND step NAME WORK_ID``) and reads the JSON line that it prints. What to do
stands in the hub's work rows; Airflow carries ids and nothing else. Steps may be repeated: they know what is done.
"""

import json
import logging
import os
import shlex
import subprocess
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

TRY_AGAIN = 75
STEP_SECONDS = 6 * 3600
log = logging.getLogger("airflow.task")
BEGINNING = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
RETRIES: dict[str, Any] = {
    "retries": 4,
    "retry_delay": timedelta(seconds=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=5),
}
COMMON: dict[str, Any] = {
    "start_date": BEGINNING,
    "catchup": False,
    "default_args": RETRIES,
    "tags": ["shuniu"],
    "doc_md": __doc__,
}


def run_step(name: str, *arguments: str) -> dict[str, Any]:
    """Run ``shuniu step`` and return what it printed; its other output goes to the task's log.

    Raises:
        AirflowException: it may be tried again.
        AirflowFailException: the work is given up, and no retry helps.
    """
    command = [*shlex.split(os.environ.get("SHUNIU_COMMAND", "shuniu")), "step", name, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=STEP_SECONDS, check=False)
    log.info("%s", done.stdout.strip())
    if done.returncode == 0:
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result
    if done.returncode == 1:
        raise AirflowFailException(f"shuniu step {name} gave the work up: {done.stdout.strip()}")
    raise AirflowException(f"shuniu step {name} ended with status {done.returncode}; it is tried again")


def work_id() -> str:
    """The work that this run was woken for."""
    run = get_current_context()["dag_run"]
    return str((run.conf or {})["work_id"])


@dag(dag_id="ingest", schedule=None, max_active_runs=8, **COMMON)
def ingest() -> None:
    """Bring a source's rows into the lake: plan, extract partitions side by side, commit one version, serve it."""

    @task
    def plan() -> list[str]:
        return list(run_step("plan", work_id())["parts"])

    @task
    def part(part_id: str) -> None:
        run_step("part", part_id)

    @task
    def commit() -> None:
        run_step("commit", work_id())

    @task
    def serve() -> None:
        run_step("serve", work_id())

    part.expand(part_id=plan()) >> commit() >> serve()


@dag(dag_id="deliver", schedule=None, max_active_runs=16, **COMMON)
def deliver() -> None:
    """Prepare a file or an offline package under a release."""

    @task(task_id="deliver")
    def prepare() -> None:
        run_step("deliver", work_id())

    prepare()


@dag(dag_id="sweep", schedule=timedelta(minutes=1), max_active_runs=1, **(COMMON | {"default_args": {"retries": 0}}))
def sweep() -> None:
    """Every minute: wake work whose call was lost, drop serving tables that nobody needs."""

    @task(task_id="sweep")
    def look() -> None:
        run_step("sweep")

    look()


ingest()
deliver()
sweep()
