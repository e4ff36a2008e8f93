"""What a lost call, a crash or a finished grace leaves behind, looked for every minute."""

import logging
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import aliased

from adapters.airflow import AirflowClient
from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import NotFound, ShuniuError
from adapters.serving import TABLE_PREFIX, Serving, table_name
from adapters.settings import Settings
from adapters.work import MAXIMUM_ATTEMPTS, Runner, Work, WorkState, fail
from directory.datasets.models import DatasetState, DatasetVersion
from pipelines.deliver import prepare
from pipelines.ingest import failed
from pipelines.wake import DELIVER, INGEST, KINDS, run_name

WAIT = timedelta(seconds=20)
"""A call to Airflow that follows a commit has come through by then."""

SERVED_FOR = timedelta(minutes=15)
"""How long a superseded serving table stays for questions that are under way."""

LIMIT = 200
GIVE_UP = {INGEST: failed.give_up, DELIVER: prepare.give_up}
log = logging.getLogger(__name__)


def sweep(settings: Settings) -> dict[str, Any]:
    """Wake lost work, drop tables that nobody is asked from any more.

    Releases that a crash left open are the worker's (``portal.worker.CHORES``).

    Returns:
        how many of each: ``{"woken", "given_up", "tables_dropped"}``.
    """
    woken, given_up = wake_lost(settings)
    return {"woken": woken, "given_up": given_up, "tables_dropped": drop_unneeded(settings)}


def wake_lost(settings: Settings) -> tuple[int, int]:
    """Start Airflow's run for work that waits and has none, or whose run ended without doing it.

    Returns:
        how many were woken, and how many given up because run after run ended so.
    """
    client = AirflowClient.of(settings)
    woken = given_up = 0
    for work_id, kind, run in _lost(settings):
        try:
            ended = client.run_state(kind, run_name(kind, work_id, run)).is_over
        except NotFound:
            ended = False
        if ended and not (run := _next_run(settings, work_id, run)):
            given_up += 1
            continue
        try:
            client.trigger(kind, {"work_id": str(work_id)}, run_name(kind, work_id, run))
            woken += 1
        except ShuniuError as error:
            log.warning("Airflow was not woken for %s: %s", work_id, error)
    return woken, given_up


def _lost(settings: Settings) -> list[tuple[uuid.UUID, str, int]]:
    now = system_now()
    waits = (Work.state == WorkState.WAITING) & (Work.due_at < now - WAIT)
    lapsed = (Work.state == WorkState.LEASED) & (Work.leased_until < now)
    query = (
        select(Work.id, Work.kind, Work.run)
        .where(Work.runner == Runner.AIRFLOW, Work.kind.in_(KINDS), or_(waits, lapsed))
        .order_by(Work.due_at)
        .limit(LIMIT)
    )
    with transaction(settings.app_database_url) as session:
        return [(row.id, row.kind, row.run) for row in session.execute(query)]


def _next_run(settings: Settings, work_id: uuid.UUID, run: int) -> int:
    """The number of the next run; 0 when the work is given up, or was done meanwhile."""
    with transaction(settings.app_database_url) as session:
        work = session.get_one(Work, work_id, with_for_update=True)
        if work.run != run or work.state in (WorkState.DONE, WorkState.FAILED):
            return 0
        work.run += 1
        if work.run < MAXIMUM_ATTEMPTS:
            return work.run
        fail(session, work, work.problem or "Airflow's runs end without doing the work.", retry_may_help=False)
        GIVE_UP[work.kind](session, work, work.problem)
        return 0


def drop_unneeded(settings: Settings) -> int:
    """Drop serving tables that a newer version has replaced for a while, and those that a crash left to nobody.

    The superseded lose their name first, in a transaction; then whatever table has none is dropped, now or, should this
    process die before, by the next sweep.

    Returns:
        how many.
    """
    with transaction(settings.app_database_url) as session:
        for dataset in session.scalars(_superseded()):
            dataset.serving_table, dataset.state = None, DatasetState.READY
    serving = Serving.of(settings)
    standing = [table for table in serving.tables() if table.startswith(TABLE_PREFIX)]
    with transaction(settings.app_database_url) as session:
        needed = {table or table_name(dataset_id) for dataset_id, table in session.execute(_served_or_loading())}
    unneeded = [table for table in standing if table not in needed]
    for table in unneeded:
        serving.drop(table)
    return len(unneeded)


def _served_or_loading() -> Select[uuid.UUID, str | None]:
    """Versions whose table is asked, or may be under way: a load names its table only once that stands."""
    under_way = Work.state.in_([WorkState.WAITING, WorkState.LEASED])
    return (
        select(DatasetVersion.id, DatasetVersion.serving_table)
        .join(Work, Work.id == DatasetVersion.work_id, isouter=True)
        .where(or_(DatasetVersion.serving_table.is_not(None), under_way))
    )


def _superseded() -> Select[DatasetVersion]:
    newer = aliased(DatasetVersion)
    replaced = (
        select(newer.id)
        .where(
            newer.resource_id == DatasetVersion.resource_id,
            newer.number > DatasetVersion.number,
            newer.state == DatasetState.SERVED,
            newer.ready_at < system_now() - SERVED_FOR,
        )
        .exists()
    )
    return (
        select(DatasetVersion)
        .where(DatasetVersion.serving_table.is_not(None), replaced)
        .limit(LIMIT)
        .with_for_update(skip_locked=True)
    )
