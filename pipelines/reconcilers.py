"""Compare loaded data with the evidence log: versions that no load explains, loads without their version, other counts
or digests (R120).

``register_reconcilers`` hands these to ``audit.reconcile``; verification runs them.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import String, cast, exists, literal, select
from sqlalchemy.orm import Session, aliased

from audit.archive.read import readable
from audit.models import Evidence
from audit.reconcile import DONE, Discrepancy, entries_have_rows, register, rows_have_entries
from directory.datasets.models import DatasetState, DatasetVersion

_BATCH = 500
_NOUN = "dataset_version"
_STATED = ("number", "delta_version", "rows_source", "rows_read", "rows_good", "rows_set_aside", "digest")
_STATED_SINCE = ("location", "set_aside_location", "bytes")
"""What entries of earlier releases do not state."""
_MOST_REASONS = 100
"""Reasons that an entry states at most, the commonest; of more they are not all known."""


def register_reconcilers() -> None:
    """Have every verification compare the loaded data with the log."""
    loaded, served = ["dataset.loaded"], ["dataset.served"]
    committed = DatasetVersion.delta_version.is_not(None)
    register("dataset", rows_have_entries(_NOUN, DatasetVersion.id, loaded, committed))
    register("dataset-entries", entries_have_rows(_NOUN, DatasetVersion.id, [*loaded, *served], committed))
    in_service = DatasetVersion.serving_table.is_not(None)
    register("dataset-served", rows_have_entries(_NOUN, DatasetVersion.id, served, in_service))
    in_lake = DatasetVersion.state.in_([DatasetState.LOADING, DatasetState.READY, DatasetState.SERVED])
    failure = aliased(Evidence)
    given_up = exists().where(
        failure.subject == literal(f"{_NOUN}/") + cast(DatasetVersion.id, String),
        failure.kind == "dataset.load_failed",
    )
    register("dataset-state", entries_have_rows(_NOUN, DatasetVersion.id, loaded, in_lake | given_up))
    register("dataset-content", datasets_unchanged)


def datasets_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Dataset versions whose counts or digest are no longer those of their load."""
    last = uuid.UUID(int=0)
    statement = select(DatasetVersion).where(DatasetVersion.delta_version.is_not(None)).order_by(DatasetVersion.id)
    while batch := session.scalars(statement.where(DatasetVersion.id > last).limit(_BATCH)).all():
        recorded = _recorded(session, [f"{_NOUN}/{dataset.id}" for dataset in batch])
        for dataset in batch:
            subject = f"{_NOUN}/{dataset.id}"
            now = {name: getattr(dataset, name) for name in (*_STATED, *_STATED_SINCE, "set_aside_reasons")}
            stated = recorded.get(subject, now)
            compared = [*_STATED, *(name for name in _STATED_SINCE if name in stated)]
            if len(stated.get("set_aside_reasons", now)) < _MOST_REASONS and "set_aside_reasons" in stated:
                compared.append("set_aside_reasons")
            differing = [name for name in compared if stated.get(name) != now[name]]
            if differing:
                yield Discrepancy(
                    subject,
                    f"{subject} is not what its load records: {', '.join(differing)}.",
                    expected=", ".join(str(stated.get(name)) for name in differing),
                    found=", ".join(str(now[name]) for name in differing),
                )
        last = batch[-1].id


def _recorded(session: Session, subjects: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What the load of each subject states; a subject without one is missing."""
    entries = select(Evidence.subject, Evidence.body, Evidence.id).where(
        Evidence.kind == "dataset.loaded", Evidence.subject.in_(subjects), Evidence.outcome == DONE
    )
    found: dict[str, Mapping[str, Any]] = {}
    rows = session.execute(entries).all()
    kept = readable(session, [row.id for row in rows if not row.body])
    for subject, body, entry_id in rows:
        try:
            found[subject] = dict(orjson.loads(kept[entry_id].body if entry_id in kept else body)["data"]["after"])
        except (ValueError, KeyError, TypeError):  # a falsified entry: verification names it by itself
            continue
    return found
