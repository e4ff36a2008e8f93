"""Third step of a load: one version of the table out of all files, with counts that reconcile."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Terminal, Transient
from adapters.lake import Lake
from adapters.objects import objects
from adapters.work import Work, WorkState, advance
from audit.actor import HUB
from audit.append import append
from directory.datasets.models import DatasetState, DatasetVersion
from pipelines import digest
from pipelines.ingest.extract import Extracted, Items
from pipelines.ingest.failed import give_up
from pipelines.ingest.moment import of_one_moment
from pipelines.ingest.part import files_of, set_aside_of
from pipelines.ingest.queries import items_of
from pipelines.ingest.unite import United, unite
from pipelines.steps import Claim
from pipelines.wake import INGEST
from schemas.arrow_types import arrow_schema
from schemas.words import Mode

__all__ = ["KIND", "give_up", "needs_serving", "run"]

KIND = INGEST


@dataclass(frozen=True)
class Loading:
    """What the step needs of the dataset version."""

    id: uuid.UUID
    location: str
    items: Items


def run(claim: Claim) -> dict[str, Any]:
    """Commit the load.

    Returns:
        what ``plan`` gave, and ``{"committed": true, "rows_good", "rows_set_aside", "serve": whether to serve}``.
    """
    if claim.reached.get("committed"):
        with claim.finishing() as (session, work):
            advance(session, work, dict(claim.reached))
        return dict(claim.reached)
    loading, parts = _parts(claim)
    parts = of_one_moment(claim, parts)
    lake, store = Lake(claim.settings), objects(claim.settings)
    united = unite(loading.id, loading.location, loading.items, parts, claim)
    _require_rows(claim, loading, united)
    files = [file.part for file in united.files]
    schema = arrow_schema(loading.items)
    delta_version = lake.commit(loading.location, schema, files, work_id=str(claim.work_id))
    with claim.finishing() as (session, work):
        dataset = _load(session, loading, united, delta_version)
        reached = dict(claim.reached) | {
            "committed": True,
            "serve": needs_serving(dataset.resource_version.modes),
            "rows_good": united.rows_good,
            "rows_set_aside": united.rows_set_aside,
        }
        advance(session, work, reached)
    lake.remove_strays(loading.location, files_of(claim.work_id), files)
    for key in list(store.keys(set_aside_of(loading.id))):
        if key != united.set_aside_key:
            store.remove(key)
    return reached


def needs_serving(modes: Iterable[str]) -> bool:
    """Whether data of these modes is read from a serving table."""
    return not {Mode.INTERFACE, Mode.BROWSE}.isdisjoint(modes)


def _parts(claim: Claim) -> tuple[Loading, list[Extracted]]:
    with transaction(claim.settings.app_database_url) as session:
        dataset = session.get_one(DatasetVersion, uuid.UUID(claim.reached["dataset_version"]))
        rows = session.scalars(select(Work).where(Work.parent_id == claim.work_id)).all()
        if len(rows) != len(claim.reached["parts"]) or any(row.state != WorkState.DONE for row in rows):
            raise Transient("ingest.parts_missing", "Not all partitions are extracted yet. Try again later.")
        rows = sorted(rows, key=lambda row: row.payload["partition"]["number"])
        loading = Loading(dataset.id, dataset.location, items_of(dataset.resource_version))
        return loading, [Extracted.from_json(row.result) for row in rows]


def _require_rows(claim: Claim, loading: Loading, united: United) -> None:
    """A source without one usable row must not replace good data; its rows set aside are kept to be looked at."""
    if united.rows_good:
        return
    if not united.rows_read:
        raise Terminal(
            "ingest.no_rows",
            "The source holds no row, so the data in force stays. Look whether it is the right source, and load again.",
        )
    with claim.finishing() as (session, _):
        _counts(session.get_one(DatasetVersion, loading.id), united)
    raise Terminal(
        "ingest.no_good_rows",
        "None of the {rows} rows passed the checks, so the data in force stays. Reasons: {reasons}.",
        rows=united.rows_read,
        reasons=", ".join(sorted(united.reasons)[:5]),
    )


def _counts(dataset: DatasetVersion, united: United) -> None:
    dataset.rows_source, dataset.rows_read = united.rows_source, united.rows_read
    dataset.rows_good, dataset.rows_set_aside = united.rows_good, united.rows_set_aside
    dataset.set_aside_reasons, dataset.set_aside_location = dict(united.reasons), united.set_aside_key


def _load(session: Session, loading: Loading, united: United, delta_version: int) -> DatasetVersion:
    dataset = session.get_one(DatasetVersion, loading.id, with_for_update=True)
    _counts(dataset, united)
    dataset.delta_version = delta_version
    dataset.bytes = sum(file.part.bytes for file in united.files)
    dataset.digest = digest.of_files(file.digest for file in united.files)
    if not needs_serving(dataset.resource_version.modes):
        dataset.state, dataset.ready_at = DatasetState.READY, system_now()
    session.flush()
    after, told = _stated(dataset, united.flagged), {"digest": dataset.digest}
    append(session, "dataset.loaded", f"dataset_version/{dataset.id}", HUB, after=after, personal=told)
    return dataset


def _stated(dataset: DatasetVersion, flagged: Mapping[str, int]) -> dict[str, Any]:
    """What the entry says in the clear: the digest, by which very few rows are found by trying, is apart."""
    return {
        "resource": dataset.resource.code,
        "number": dataset.number,
        "delta_version": dataset.delta_version,
        "rows_source": dataset.rows_source,
        "rows_read": dataset.rows_read,
        "rows_good": dataset.rows_good,
        "rows_set_aside": dataset.rows_set_aside,
        "set_aside_reasons": _commonest(dataset.set_aside_reasons),
        "flagged": _commonest(flagged),
        "location": dataset.location,
        "set_aside_location": dataset.set_aside_location,
        "bytes": dataset.bytes,
    }


def _commonest(counts: Mapping[str, int]) -> dict[str, int]:
    """The hundred commonest: an entry of evidence has limited room."""
    return dict(Counter(counts).most_common(100))
