"""Point 3: sources are attached, Airflow loads them, bad rows are set aside, and the counts reconcile."""

import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adapters.work import Work, WorkState
from directory.datasets.models import DatasetState, DatasetVersion
from directory.sources.attach import attach_source
from pipelines.ingest.request import request_load
from pipelines.uploads import keep_csv
from portal.demo.cast import CIVIL_AFFAIRS
from portal.demo.divisions import write_divisions
from portal.demo.entries import LEGAL_ENTITY_ITEMS, REPRESENTATIVE_ID
from portal.demo.made_data import Flaw
from portal.demo.market import market, register
from portal.demo.stage import Stage, Unexpected, expect
from portal.demo.story.catalogue import DIVISIONS_ENTRY, LEGAL_ENTITIES_ENTRY, Entry, resource_id_of
from portal.demo.story.people import agency_id

LOAD_SECONDS = 900.0
REASONS = {
    Flaw.CREDIT_CODE: "credit_code:CHECK_DIGIT",
    Flaw.NAME: "name:REQUIRED",
    Flaw.DATE: "established_on:TYPE",
    Flaw.RESIDENT_ID: f"{REPRESENTATIVE_ID}:CHECK_DIGIT",
    Flaw.DUPLICATE: "credit_code:DUPLICATE",
}
"""The reason for which each flaw of the made data must be set aside."""


def attach_divisions(stage: Stage) -> str:
    """The civil affairs bureau uploads its file and attaches it; every row of it is real."""
    path = stage.settings.home / "demo" / "divisions.csv"
    if "divisions.counts" not in stage.made:
        counts = write_divisions(stage.divisions, path)
        stage.made["divisions.counts"] = {str(level): count for level, count in counts.items()}
    attach_file(stage, DIVISIONS_ENTRY, agency_id(stage, CIVIL_AFFAIRS), path)
    counts = stage.made["divisions.counts"]
    return "; ".join(f"{level.lower()}: {count}" for level, count in counts.items())


def attach_file(stage: Stage, entry: Entry, agency: uuid.UUID, path: Path) -> None:
    """Upload a CSV whose columns are called like the entry's items, and attach it."""
    if f"source.{entry.key}" in stage.made:
        return
    with path.open("rb") as file:
        kept = keep_csv(stage.settings, agency, file, "utf-8")
    config = {
        "object_key": kept.object_key,
        "encoding": "utf-8",
        "columns": {item["field_name"]: item["field_name"] for item in entry.items},
        "sha256": kept.sha256,
        "bytes": kept.bytes,
    }
    _attach(stage, entry, "CSV", config, {})


def attach_database(stage: Stage) -> str:
    """The market regulator attaches its own database; an address that nobody registered is refused."""
    source = market(stage)
    columns = {item["field_name"]: item["field_name"] for item in LEGAL_ENTITY_ITEMS}
    config = {**source.source, "columns": columns, "partition_column": "credit_code"}
    resource = resource_id_of(stage, LEGAL_ENTITIES_ENTRY)
    elsewhere = partial(
        attach_source,
        resource_id=resource,
        connector="POSTGRESQL",
        config=config | {"host": "192.0.2.1"},
        secrets=source.login,
        settings=stage.settings,
    )
    stage.refused("chensiyuan", elsewhere, "source.address")
    _attach(stage, LEGAL_ENTITIES_ENTRY, "POSTGRESQL", config, source.login)
    return f"{source.source['database']}, table {source.source['table']}, {source.count()} rows"


def _attach(stage: Stage, entry: Entry, connector: str, config: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    attached = partial(
        attach_source,
        resource_id=resource_id_of(stage, entry),
        connector=connector,
        config=config,
        secrets=secrets,
        settings=stage.settings,
    )
    stage.make(f"source.{entry.key}", entry.compiler, attached)


def await_airflow(stage: Stage) -> str:
    """Airflow comes up while people work; from here on it moves the data."""
    stage.wait_for_airflow()
    return "Airflow takes runs"


def load_both(stage: Stage) -> str:
    """Airflow loads both sources side by side."""
    entries = (DIVISIONS_ENTRY, LEGAL_ENTITIES_ENTRY)
    for entry in entries:
        ask_for_load(stage, entry)
    loaded = [await_load(stage, entry) for entry in entries]
    return "; ".join(
        f"{entry.entry['name']}: {dataset.rows_good} good rows, {dataset.rows_set_aside} set aside"
        for entry, dataset in zip(entries, loaded, strict=True)
    )


def reconcile_counts(stage: Stage) -> str:
    """The source is counted anew: every row is either good or set aside, for the very reason that it was made bad."""
    dataset = await_load(stage, LEGAL_ENTITIES_ENTRY)
    source, made = market(stage).count(), register(stage)
    expect(dataset.rows_source == dataset.rows_read == source, f"{source} rows read, not {dataset.rows_read}")
    expect(dataset.rows_good == source - made.bad_rows, f"{source - made.bad_rows} good, not {dataset.rows_good}")
    expected = {REASONS[flaw]: count for flaw, count in made.flaws.items()}
    expect(dict(dataset.set_aside_reasons) == expected, f"{expected} set aside, not {dataset.set_aside_reasons}")
    divisions = await_load(stage, DIVISIONS_ENTRY)
    lines = sum(stage.made["divisions.counts"].values())
    expect(divisions.rows_good == divisions.rows_read == lines, f"{lines} divisions, not {divisions.rows_good}")
    return f"{source} = {dataset.rows_good} + {dataset.rows_set_aside}: " + ", ".join(
        f"{count} {reason}" for reason, count in expected.items()
    )


def ask_for_load(stage: Stage, entry: Entry) -> None:
    """Ask for a load once, and wake Airflow as the portal does it."""
    name = f"load.{entry.key}"
    if name not in stage.made:
        asked = partial(request_load, resource_id=resource_id_of(stage, entry))
        stage.wake(stage.make(name, entry.compiler, asked))


def await_load(stage: Stage, entry: Entry) -> DatasetVersion:
    """The newest dataset version of an entry once it can be served.

    Raises:
        Unexpected: the load failed, or takes too long.
    """
    newest = (
        select(DatasetVersion)
        .where(DatasetVersion.resource_id == resource_id_of(stage, entry))
        .order_by(DatasetVersion.number.desc())
        .limit(1)
    )
    work_id = uuid.UUID(stage.made[f"load.{entry.key}"])

    def look() -> DatasetVersion | None:
        dataset = stage.read(lambda session: session.scalar(newest))
        work = stage.read(lambda session: session.get_one(Work, work_id))
        if work.state == WorkState.FAILED:
            raise Unexpected("demo.load", "The load of {name} failed: {why}", name=entry.key, why=work.problem)
        return dataset if dataset is not None and dataset.state == DatasetState.SERVED else None

    return stage.wait(f"Airflow loads {entry.key}", look, LOAD_SECONDS)
