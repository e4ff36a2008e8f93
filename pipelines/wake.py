"""Wake Airflow for a piece of work. A call that is lost does no harm: ``sweep`` finds the work within a minute."""

import uuid

from sqlalchemy import select

from adapters.airflow import AirflowClient
from adapters.database import transaction
from adapters.errors import Terminal
from adapters.settings import Settings
from adapters.work import Work

INGEST = "ingest"
DELIVER = "deliver"
KINDS = (INGEST, DELIVER)
"""Kinds of work that have a DAG, which is called like the kind."""


def run_name(kind: str, work_id: uuid.UUID, run: int) -> str:
    """The name of a run: the same for every call that wakes the same piece of work, so that two calls make one run."""
    return f"{kind}-{work_id}-{run}"


def wake(settings: Settings, work_id: uuid.UUID) -> str:
    """Start Airflow's run for a piece of work; a run that was started already is left alone.

    Returns:
        the run's name.

    Raises:
        Terminal: there is no such work, or it is not Airflow's.
        Transient: Airflow does not answer.
        NotFound: Airflow has not read the DAG files yet.
        Misconfigured: Airflow refuses our login, or its address is not set.
    """
    with transaction(settings.app_database_url) as session:
        found = session.execute(select(Work.kind, Work.run).where(Work.id == work_id)).one_or_none()
    if found is None or found.kind not in KINDS:
        raise Terminal("work.not_airflows", "There is no work {work} for Airflow.", work=work_id)
    name = run_name(found.kind, work_id, found.run)
    return AirflowClient.of(settings).trigger(found.kind, {"work_id": str(work_id)}, name)
