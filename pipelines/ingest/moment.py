"""Parts of a load are read each at its own moment; a version of the data must be the source at one moment."""

from collections.abc import Sequence
from uuid import UUID

from adapters.connectors.base import Partition
from pipelines.ingest.extract import Extracted
from pipelines.ingest.part import extracted
from pipelines.ingest.sources import connector_of
from pipelines.steps import Claim

READ_AGAIN = "read_again"


def of_one_moment(claim: Claim, parts: Sequence[Extracted]) -> list[Extracted]:
    """The parts, if the source stood still from the plan until now; else the whole source, read in one transaction.

    What was decided, and read, is kept in the work row: a step that is repeated must commit the same files.

    Args:
        claim: of the load's last step but one.
        parts: what each partition gave.
    """
    if READ_AGAIN in claim.reached:
        again = claim.reached[READ_AGAIN]
        return [Extracted.from_json(again)] if again else list(parts)
    if len(parts) == 1:
        return list(parts)
    whole = None if _stood_still(claim, parts) else _read_whole(claim)
    with claim.finishing() as (_, work):
        work.result = dict(work.result) | {READ_AGAIN: whole.as_json() if whole else None}
    return [whole] if whole else list(parts)


def _stood_still(claim: Claim, parts: Sequence[Extracted]) -> bool:
    """No version of a row came or went, and as many rows were read as were planned: all parts saw the same rows."""
    if sum(part.rows_source for part in parts) != claim.reached["rows_source"]:
        return False
    planned: str = claim.reached["mark"]
    return connector_of(claim.settings, UUID(claim.payload["source_id"])).mark() == planned


def _read_whole(claim: Claim) -> Extracted:
    payload = {
        "dataset_version": claim.reached["dataset_version"],
        "source_id": claim.payload["source_id"],
        "partition": Partition().as_json(),
    }
    return extracted(claim, payload, claim.work_id)
