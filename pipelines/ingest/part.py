"""Second step of a load, once per partition: extract and check rows, and lay their files below the table."""

import uuid
from collections.abc import Mapping
from typing import Any

from adapters.connectors.base import Partition
from adapters.database import transaction
from adapters.lake import Lake
from adapters.objects import objects
from adapters.work import finish
from directory.datasets.models import DatasetVersion
from pipelines.ingest.extract import Extracted, Target, extract
from pipelines.ingest.failed import give_up
from pipelines.ingest.plan import PART
from pipelines.ingest.queries import items_of
from pipelines.ingest.sources import connector_of
from pipelines.steps import Claim

__all__ = ["KIND", "give_up", "run"]

KIND = PART


def run(claim: Claim) -> dict[str, Any]:
    """Extract the partition.

    Returns:
        ``pipelines.ingest.extract.Extracted`` as JSON.
    """
    result = extracted(claim, claim.payload, claim.parent_id).as_json()
    with claim.finishing() as (session, work):
        finish(session, work, result)
    return result


def extracted(claim: Claim, payload: Mapping[str, Any], load_id: uuid.UUID | None) -> Extracted:
    """Extract what a payload names: ``{"dataset_version", "source_id", "partition"}``.

    Args:
        claim: of whoever does it; it names what this attempt writes.
        payload: which rows of which source, and for which version.
        load_id: the load's work.
    """
    settings = claim.settings
    partition = Partition.from_json(payload["partition"])
    dataset_id = uuid.UUID(payload["dataset_version"])
    with transaction(settings.app_database_url) as session:
        dataset = session.get_one(DatasetVersion, dataset_id)
        items, location = items_of(dataset.resource_version), dataset.location
    attempt = f"{partition.number:05}-{claim.token}"
    target = Target(
        lake=Lake(settings),
        store=objects(settings),
        location=location,
        prefix=f"{files_of(load_id)}{attempt}",
        set_aside_key=f"{set_aside_of(dataset_id)}{attempt}.parquet",
        scratch=settings.home / "scratch",
    )
    connector = connector_of(settings, uuid.UUID(payload["source_id"]))
    return extract(connector, partition, items, {}, target)


def files_of(work_id: uuid.UUID | None) -> str:
    """Where a load's files lie below its table's location; the rest of their names sorts in load order."""
    return f"parts/{work_id}/"


def set_aside_of(dataset_version_id: uuid.UUID) -> str:
    """Where the rows that a load set aside lie in the object store."""
    return f"set-aside/{dataset_version_id}/"
