"""The log does not tell whom a delivery of one row names: who reads its clear text and tries everybody finds nobody.

The attacker knows all but the person: the file's form, its heads, the row's other values. What is tried is each content
that was uploaded, loaded, delivered, fetched in part or turned down; its digest is looked for in the clear text, plain
and under every value there that could be a salt.
"""

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.database import engine, transaction
from adapters.objects import objects
from audit.models import Evidence
from audit.opened import personal_details
from directory.catalogue.models import ResourceVersion
from directory.datasets.models import DatasetVersion
from directory.sources.attach import attach_source
from directory.sources.models import Source
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.fetch import open_prepared
from exchange.deliveries.models import Delivery, FileFormat
from exchange.deliveries.request import request
from exchange.deliveries.sending import Sending
from exchange.grants.models import Grant
from exchange.modes.offline_open import open_package
from pipelines.digest import RowDigest, of_files
from pipelines.ingest.load import load_now
from pipelines.ingest.request import request_load
from pipelines.steps import run_step
from pipelines.uploads import keep_csv
from schemas.arrow_types import MONEY
from schemas.canonical import canonical_bytes, digest, sha256_hex
from schemas.words import Mode
from tests import factories
from tests.integration.pipelines.conftest import COLUMNS, Hub

PERSON = "310101199003071234"
CITY = [f"31010119900307{number:04}" for number in range(1200, 1240)]
"""Everybody whom the attacker tries; the person is one of them."""
SCHEMA = pa.schema([("code", pa.string()), ("name", pa.string()), ("capital", MONEY), ("founded", pa.date32())])
CUT = 41
"""A range of the file ends here, with the person's number."""


@dataclass
class Story:
    """What one row went through.

    Attributes:
        files: bytes that the hub took in or gave out.
        config: of the source that was attached.
        loaded: the digest of the data that was loaded.
    """

    hub: Hub
    files: dict[str, bytes]
    config: dict[str, Any]
    loaded: str

    def digests(self, person: str) -> dict[str, str]:
        """What the log would have a digest of, had the row named this person."""
        files = {name: content.replace(PERSON.encode(), person.encode()) for name, content in self.files.items()}
        found = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        row = {"code": "C1", "name": person, "capital": Decimal("1.50"), "founded": date(2001, 1, 1)}
        rows = RowDigest(SCHEMA)
        rows.update(pa.RecordBatch.from_pylist([row], SCHEMA))
        return found | {
            "loaded": of_files([rows.hexdigest()]),
            "source": digest(self.config | {"sha256": found["uploaded"]}),
        }


@pytest.fixture
def story(hub: Hub, tmp_path: Path) -> Story:
    """One row, uploaded, loaded, delivered as CSV three times over and as a package, fetched and acknowledged."""
    resource_id = hub.resource(["FILES", "OFFLINE"])
    upload = f"编码,name,capital,founded\nC1,{PERSON},1.5,2001-01-01\n".encode()
    config, loaded = _load(hub, resource_id, upload)
    with transaction(hub.settings.app_database_url) as session:
        version = session.scalars(select(ResourceVersion).where(ResourceVersion.resource_id == resource_id)).one()
        requester = factories.agency(session)
        _, identity = factories.receiving_key(session, requester)
        _, signs = factories.signing_key(session, requester)
        grant = Grant(
            number="SX-1",
            resource_id=resource_id,
            resource_version_id=version.id,
            provider_id=version.resource.agency_id,
            items=["code", "name"],
            modes=["FILES", "OFFLINE"],
            purpose="",
            valid_from=case_today(session),
        )
        session.add(grant)
        session.flush()
        asks, grant_id = factories.official(session, requester, "REQUESTER"), grant.id

    def delivered(mode: Mode, form: FileFormat, *ranges: tuple[int, int | None]) -> tuple[Delivery, bytes]:
        asked: dict[str, Any] = {"purpose": "核验", "matter": "办件-1", "mode": mode, "format": form}
        with transaction(hub.settings.app_database_url) as session:
            work_id = request(session, asks, grant_id=grant_id, **asked).work_id
        assert work_id
        run_step(hub.settings, "deliver", work_id)
        with Session(engine(hub.settings.app_database_url)) as session:
            made = session.scalars(select(Delivery).where(Delivery.work_id == work_id)).one()
            for start, stop in ranges:
                for _ in Sending(open_prepared(session, asks, made.id, start, stop or made.bytes), hub.settings):
                    pass
            return made, b"".join(objects(hub.settings).chunks(made.object_key))

    made, content = delivered(Mode.FILES, FileFormat.CSV, (0, CUT), (CUT, None), (0, None))
    assert content[:CUT].decode().endswith(PERSON)
    files = {"uploaded": upload, "delivered": content, "a range": content[:CUT]}
    with transaction(hub.settings.app_database_url) as session:
        acknowledge(session, asks, made.id, accepted=True, sha256=hashlib.sha256(content).hexdigest())
    made, content = delivered(Mode.FILES, FileFormat.CSV, (0, None))
    files["turned down"] = content[:-1]
    with transaction(hub.settings.app_database_url) as session:
        arrived = hashlib.sha256(content[:-1]).hexdigest()
        acknowledge(session, asks, made.id, accepted=False, sha256=arrived, remark="不完整")
    _, files["as Parquet"] = delivered(Mode.FILES, FileFormat.PARQUET, (0, None))
    made, content = delivered(Mode.OFFLINE, FileFormat.PACKAGE, (0, None))
    path = tmp_path / "package.shuniu"
    path.write_bytes(content)
    public = Ed25519PrivateKey.from_private_bytes(base64.b64decode(hub.settings.hub_key)).public_key()
    opened = open_package(path, str(identity), public, tmp_path / "opened", tmp_path / "channel.json")
    files["inside the package"] = (tmp_path / "opened" / "data.csv").read_bytes()
    with transaction(hub.settings.app_database_url) as session:
        signature = signs.sign(canonical_bytes(opened.receipt))
        acknowledge(session, asks, made.id, accepted=True, receipt=opened.receipt, signature=signature)
    return Story(hub, files, config, loaded)


def _load(hub: Hub, resource_id: uuid.UUID, upload: bytes) -> tuple[dict[str, Any], str]:
    """Upload a file, attach and load it; the source's configuration, and the digest of what was loaded."""
    path = hub.settings.home / "upload.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(upload)
    with transaction(hub.settings.app_database_url) as session:
        version = session.scalars(select(ResourceVersion).where(ResourceVersion.resource_id == resource_id)).one()
        compiler = factories.official(session, version.resource.agency, "COMPILER")
        with path.open("rb") as file:
            kept = keep_csv(hub.settings, version.resource.agency_id, file, "utf-8")
        config: dict[str, Any] = {"object_key": kept.object_key, "encoding": "utf-8", "columns": dict(COLUMNS)}
        config |= {"sha256": kept.sha256, "bytes": kept.bytes}
        attach_source(session, compiler, resource_id, "CSV", config, {}, hub.settings)
        work_id = request_load(session, compiler, resource_id).id
    load_now(hub.settings, work_id)
    with transaction(hub.settings.app_database_url) as session:
        loaded = session.scalars(select(DatasetVersion.digest)).one()
        return dict(session.scalars(select(Source)).one().config), loaded


def found_by_trying(story: Story, text: str) -> dict[str, set[str]]:
    """Whom an attacker finds in a text by trying everybody: of which contents, by person."""
    values = {value for value in re.findall(r"[0-9a-f]{64}|[0-9a-f]{32}", text)}
    salts = [b"", *(bytes.fromhex(value) for value in values)]
    found: dict[str, set[str]] = {}
    for person in CITY:
        for name, plain in story.digests(person).items():
            raw, said = bytes.fromhex(plain), canonical_bytes({"sha256": plain})
            salted = {sha256_hex(salt + each) for salt in salts for each in (raw, plain.encode(), said)}
            if plain in text or base64.b64encode(raw).decode() in text or salted & values:
                found.setdefault(person, set()).add(name)
    return found


def test_who_tries_everybody_against_the_clear_text_finds_nobody(story: Story) -> None:
    assert story.digests(PERSON)["loaded"] == story.loaded, "the attacker knows how digests are made"
    with Session(engine(story.hub.settings.app_database_url)) as session:
        entries = {entry.id: entry.body.decode() for entry in session.scalars(select(Evidence))}
        opened = personal_details(session, entries)
    assert "delivery.acknowledged" in "".join(entries.values())
    assert found_by_trying(story, "\n".join(entries.values())) == {}
    told = {PERSON: {*story.files, "loaded", "source"} - {"uploaded"}}
    assert found_by_trying(story, canonical_bytes([*opened.values()]).decode()) == told, "who holds the keys is told"
