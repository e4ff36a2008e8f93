"""Last step of a load: bring the version into a serving table where an interface or browsing needs it."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Terminal
from adapters.lake import Lake
from adapters.serving import Serving, table_name
from adapters.work import Work, finish
from audit.actor import HUB
from audit.append import append
from directory.datasets.models import DatasetState, DatasetVersion
from pipelines.ingest import failed
from pipelines.ingest.queries import items_of
from pipelines.steps import Claim
from pipelines.wake import INGEST
from schemas.arrow_types import arrow_schema

KIND = INGEST


def run(claim: Claim) -> dict[str, Any]:
    """Serve the load, if it is to be served; ends the whole work.

    Returns:
        what ``commit`` gave, and ``{"served": rows}`` when a table was made.
    """
    if not claim.reached.get("committed"):
        raise Terminal("serve.not_committed", "This load is not committed, so there is nothing to serve.")
    reached = dict(claim.reached)
    if reached["serve"]:
        reached["served"] = _serve(claim)
    with claim.finishing() as (session, work):
        if reached["serve"]:
            _served(session, uuid.UUID(reached["dataset_version"]))
        finish(session, work, reached)
    return reached


def give_up(session: Session, work: Work, problem: str) -> None:
    """A committed version that cannot be served still serves files."""
    dataset = session.scalar(select(DatasetVersion).where(DatasetVersion.work_id == work.id).with_for_update())
    if dataset is not None and dataset.delta_version is not None and dataset.state == DatasetState.LOADING:
        dataset.state, dataset.ready_at = DatasetState.READY, system_now()
    failed.give_up(session, work, problem)


def _serve(claim: Claim) -> int:
    dataset_id = uuid.UUID(claim.reached["dataset_version"])
    with transaction(claim.settings.app_database_url) as session:
        dataset = session.get_one(DatasetVersion, dataset_id)
        items, location, delta_version = items_of(dataset.resource_version), dataset.location, dataset.delta_version
        expected = dataset.rows_good
    assert delta_version is not None
    schema = arrow_schema(items)
    keys = [item["field_name"] for item in items if item["is_key"]]
    batches = Lake(claim.settings).scan(location, delta_version, schema.names)
    rows = Serving.of(claim.settings).load(table_name(dataset_id), schema, batches, keys)
    if rows != expected:
        raise Terminal(
            "serve.counts_differ",
            "The serving table holds {rows} rows, the lake {expected}. Load the resource again.",
            rows=rows,
            expected=expected,
        )
    return rows


def _served(session: Session, dataset_id: uuid.UUID) -> None:
    dataset = session.get_one(DatasetVersion, dataset_id, with_for_update=True)
    dataset.state, dataset.serving_table = DatasetState.SERVED, table_name(dataset.id)
    dataset.ready_at = dataset.ready_at or system_now()
    session.flush()
    after = {"resource": dataset.resource.code, "number": dataset.number, "table": dataset.serving_table}
    append(session, "dataset.served", f"dataset_version/{dataset.id}", HUB, after=after)
