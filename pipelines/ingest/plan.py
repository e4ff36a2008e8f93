"""First step of a load: count the source, divide it, make the dataset version and a work row per partition."""

import uuid
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.connectors.base import Partition
from adapters.errors import Conflict, Terminal
from adapters.work import Runner, Work, advance, enqueue
from directory.catalogue.models import Resource
from directory.catalogue.queries import published_version
from directory.datasets.models import DatasetVersion
from directory.sources.models import Source
from pipelines.ingest.failed import give_up
from pipelines.ingest.sources import connector_of
from pipelines.steps import Claim
from pipelines.wake import INGEST
from schemas.words import DataType

__all__ = ["KIND", "give_up", "run"]

KIND = INGEST
PART = "ingest.part"
PART_ROWS = 1_000_000
MOST_PARTS = 16


def run(claim: Claim) -> dict[str, Any]:
    """Plan the load.

    Returns:
        ``{"dataset_version": id, "parts": [work ids], "rows_source": n, "mark": text, "keys_apart": bool}``; the
        mark is the source's where there are several parts; keys are apart when rows with
        the same key are in the same partition.
    """
    if "parts" in claim.reached:
        with claim.finishing() as (session, work):
            advance(session, work, dict(claim.reached))
        return dict(claim.reached)
    connector = connector_of(claim.settings, uuid.UUID(claim.payload["source_id"]))
    rows = connector.count()
    partitions = connector.partitions(min(MOST_PARTS, -(-rows // PART_ROWS)))
    mark = connector.mark() if len(partitions) > 1 else ""
    with claim.finishing() as (session, work):
        dataset = _dataset(session, work)
        dataset.rows_source = rows
        parts = [_part(session, claim, dataset, partition) for partition in partitions]
        reached = {
            "dataset_version": str(dataset.id),
            "parts": parts,
            "rows_source": rows,
            "mark": mark,
            "keys_apart": _keys_apart(session, claim, dataset),
        }
        advance(session, work, reached)
    return reached


def _dataset(session: Session, work: Work) -> DatasetVersion:
    resource_id = uuid.UUID(work.payload["resource_id"])
    session.get_one(Resource, resource_id, with_for_update=True)
    version = published_version(session, resource_id)
    if version is None:
        raise Conflict("dataset.not_published", "The catalogue entry was withdrawn meanwhile. Nothing was loaded.")
    if not version.items:
        raise Terminal("dataset.no_items", "The catalogue entry has no data items, so there are no rows to load.")
    last = session.scalar(select(func.max(DatasetVersion.number)).where(DatasetVersion.resource_id == resource_id))
    dataset = DatasetVersion(
        resource_id=resource_id,
        resource_version_id=version.id,
        number=(last or 0) + 1,
        location=f"lake/{resource_id}",
        work_id=work.id,
    )
    session.add(dataset)
    session.flush()
    return dataset


def _part(session: Session, claim: Claim, dataset: DatasetVersion, partition: Partition) -> str:
    payload = {
        "dataset_version": str(dataset.id),
        "source_id": claim.payload["source_id"],
        "partition": partition.as_json(),
    }
    part = enqueue(
        session,
        PART,
        Runner.AIRFLOW,
        payload,
        parent_id=claim.work_id,
        dedupe_key=f"{PART}/{claim.work_id}/{partition.number}",
    )
    return str(part.id)


def _keys_apart(session: Session, claim: Claim, dataset: DatasetVersion) -> bool:
    """Whether the source is divided by a part of the key, and no two different values of it become the same."""
    config = session.get_one(Source, uuid.UUID(claim.payload["source_id"])).config
    keys = [item for item in dataset.resource_version.items if item.is_key and item.data_type == DataType.CHARACTER]
    columns = config.get("columns", {})
    return config.get("partition_column") in [columns.get(item.field_name, item.field_name) for item in keys]
