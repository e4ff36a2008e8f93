"""Compare loaded data with the evidence log: versions that no load explains, loads without their version, other counts
or digests (R120).

``register_reconcilers`` hands these to ``audit.reconcile``; verification runs them.
"""

import uuid
from collections.abc import Iterator

from sqlalchemy import String, cast, exists, literal, select
from sqlalchemy.orm import Session, aliased

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import Discrepancy, entries_have_rows, recorded, register, rows_have_entries
from directory.datasets.models import DatasetState, DatasetVersion

_BATCH = 500
_NOUN = "dataset_version"
_STATED = ("number", "delta_version", "rows_source", "rows_read", "rows_good", "rows_set_aside")
_NOT_ALWAYS = ("location", "set_aside_location", "bytes", "digest")
"""What entries of earlier releases do not state, and the digest, which lies in a part that can be destroyed."""
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
        names = [f"{_NOUN}/{dataset.id}" for dataset in batch]
        loads = recorded(session, Evidence.subject, names, ["dataset.loaded"], personal_details)
        for dataset in batch:
            subject = f"{_NOUN}/{dataset.id}"
            now = {name: getattr(dataset, name) for name in (*_STATED, *_NOT_ALWAYS, "set_aside_reasons")}
            stated = loads[subject][-1].after if subject in loads else now
            compared = [*_STATED, *(name for name in _NOT_ALWAYS if name in stated)]
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
