"""A hub with published resources and sources of their own to load: a table of an agency, a CSV file."""

import hashlib
import io
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

import audit.append
import exchange.release
from adapters.database import engine, transaction
from adapters.objects import objects
from adapters.serving import plain_url
from adapters.settings import Settings
from adapters.work import Runner, enqueue
from audit.actor import Actor
from directory.catalogue.models import ResourceVersion
from directory.datasets.models import DatasetVersion
from directory.sources.models import Source
from directory.sources.sealing import seal
from directory.systems.models import System, SystemAddress
from pipelines.wake import INGEST
from tests import factories

REPOSITORY = Path(__file__).parents[3]
ITEMS: Sequence[Mapping[str, Any]] = (
    {"field_name": "code", "length": 8, "is_key": True, "nullable": False},
    {"field_name": "name", "length": 20, "nullable": False},
    {"field_name": "capital", "data_type": "MONEY", "length": None},
    {"field_name": "founded", "data_type": "DATE", "length": None},
)
COLUMNS = {"code": "编码", "name": "name", "capital": "capital", "founded": "founded"}


@dataclass
class Hub:
    """A hub of the test's own: settings, and what was made in it."""

    settings: Settings
    environment: dict[str, str]
    schemas: list[str] = field(default_factory=list)

    def resource(self, modes: Sequence[str] = ("FILES",), items: Sequence[Mapping[str, Any]] = ITEMS) -> uuid.UUID:
        """A published resource of a new agency; its id."""
        parts = [factories.item(number, **item) for number, item in enumerate(items, 1)]
        with transaction(self.settings.app_database_url) as session:
            version = factories.published_resource(session, factories.agency(session), parts, modes=list(modes))
            return version.resource_id

    def table(self, rows: Sequence[tuple[Any, ...]], kinds: str = "text, text, text, text") -> dict[str, Any]:
        """A table in an agency's database with these rows; its configuration as a source."""
        schema = f"agency_{uuid.uuid4().hex}"
        url = make_url(self.settings.database_url)
        columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(COLUMNS.values(), kinds.split(", "), strict=True))
        with psycopg.connect(plain_url(self.settings.database_url)) as connection:
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
            connection.execute(SQL("CREATE TABLE {} (" + columns + ")").format(Identifier(schema, "entity")))
            with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(Identifier(schema, "entity"))) as copy:
                for row in rows:
                    copy.write_row(row)
        return {
            "host": url.host,
            "port": url.port,
            "database": url.database,
            "schema": schema,
            "table": "entity",
            "columns": dict(COLUMNS),
        }

    def file(self, content: bytes, encoding: str = "utf-8") -> dict[str, Any]:
        """An uploaded file; its configuration as a source."""
        key = f"uploads/{uuid.uuid4()}.csv"
        objects(self.settings).put(key, io.BytesIO(content), length=len(content))
        digest = hashlib.sha256(content).hexdigest()
        return {"object_key": key, "encoding": encoding, "sha256": digest, "columns": dict(COLUMNS)}

    def attach(self, resource_id: uuid.UUID, config: Mapping[str, Any]) -> uuid.UUID:
        """Attach a source and ask for a load; the work's id."""
        connector = "CSV" if "object_key" in config else "POSTGRESQL"
        url = make_url(self.settings.database_url)
        sealed = seal({"user": url.username or "", "password": url.password or ""}, self.settings)
        with transaction(self.settings.app_database_url) as session:
            version = session.query(ResourceVersion).filter_by(resource_id=resource_id).one()
            agency_id = version.resource.agency_id
            if connector == "POSTGRESQL":
                system = System(agency_id=agency_id, name=f"s{uuid.uuid4()}")
                session.add(system)
                session.flush()
                session.add(SystemAddress(system_id=system.id, host=config["host"], port=config["port"]))
            source = Source(
                resource_id=resource_id,
                connector=connector,
                config=dict(config),
                sealed=sealed if connector == "POSTGRESQL" else None,
                attached_by=version.compiled_by,
            )
            session.add(source)
            session.flush()
            payload = {"resource_id": str(resource_id), "source_id": str(source.id)}
            return enqueue(session, INGEST, Runner.AIRFLOW, payload).id

    def dataset(self, work_id: uuid.UUID) -> DatasetVersion:
        """The dataset version of a load."""
        with transaction(self.settings.app_database_url) as session:
            found = session.query(DatasetVersion).filter_by(work_id=work_id).one()
            session.expunge(found)
        return found

    def step(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a real `shuniu step` process."""
        return subprocess.Popen(
            [sys.executable, "-m", "portal.cli.main", "step", name, *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def hub(fresh: dict[str, str], tmp_path: Path) -> Iterator[Hub]:
    """A hub with an empty database of its own and the run's object store."""
    environment = fresh | {"SHUNIU_HOME": str(tmp_path / "home")}
    settings = Settings.load(environment)
    objects(settings).ensure_bucket()
    audit.append.configure(settings.log_origin, settings.sealing_key)
    exchange.release.configure(b"secret of the tests")
    yield Hub(settings, environment)
    for url in (settings.app_database_url, settings.sequencer_database_url):
        engine(url).dispose()


@pytest.fixture
def requester(hub: Hub) -> Callable[[], Actor]:
    """Makes people who may ask for deliveries, each of an agency of their own."""

    def make() -> Actor:
        with transaction(hub.settings.app_database_url) as session:
            return factories.official(session, factories.agency(session), "REQUESTER")

    return make
