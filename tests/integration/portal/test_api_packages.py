"""An offline package as a program meets it: asked for, fetched, opened with the agency's keys, acknowledged."""

import base64
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import case_today
from adapters.objects import objects
from directory.catalogue.models import ResourceVersion
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant
from pipelines.ingest.load import load_now
from pipelines.steps import run_step
from portal.cli.offline import command
from portal.edge import Portal
from schemas.canonical import canonical_bytes
from tests import factories
from tests.integration.pipelines.conftest import Hub
from tests.integration.portal.world import program, refused

ROWS = [(f"C{i:03}", f"企业{i}", f"{i}.5", "2001-01-01") for i in range(7)]


@dataclass
class Receiver:
    """An agency's program with the agency's keys, and the package that it asked for."""

    portal: Portal
    asks: FlaskClient
    stranger: FlaskClient
    keys: Path
    address: str

    def open(self, package: Path, sign_key: str = "sign.pem", *more: str) -> dict[str, Any]:
        """Open the package with the command that agencies run; the signed receipt it writes."""
        hub = self.asks.get("/api/v1/keys").get_json()["hub"]["public_key"]
        keys = ["--receive-key", str(self.keys / "receive.txt"), "--sign-key", str(self.keys / sign_key)]
        out = package.with_suffix(f".{sign_key}.opened")
        arguments = ["open", str(package), *keys, "--hub-key", hub, "--out", str(out), *more]
        done = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert pq.read_table(out / "data.parquet")["code"].to_pylist() == [row[0] for row in ROWS]
        receipt: dict[str, Any] = orjson.loads(package.with_suffix(".receipt.json").read_bytes())
        return receipt

    def acknowledge(self, client: FlaskClient, body: dict[str, Any]) -> Any:
        return client.post(f"{self.address}/acknowledgement", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})


@pytest.fixture
def receiver(portal: Portal, fresh: dict[str, str], tmp_path: Path) -> Receiver:
    hub = Hub(portal.settings, fresh)
    objects(portal.settings).ensure_bucket()
    resource_id = hub.resource(["FILES", "OFFLINE"])
    load_now(hub.settings, hub.attach(resource_id, hub.table(ROWS)))
    engine = create_engine(portal.settings.app_database_url, poolclass=NullPool)
    with Session(engine) as session:
        requester = factories.agency(session)
        _, identity = factories.receiving_key(session, requester)
        _, signs = factories.signing_key(session, requester)
        grant_id = _grant(session, resource_id)
        asks = program(portal, session, requester)
        stranger = program(portal, session, factories.agency(session))
        body = {
            "grant_id": str(grant_id),
            "mode": "OFFLINE",
            "format": "PACKAGE",
            "purpose": "核验",
            "matter": "办件-1",
        }
        made = asks.post("/api/v1/deliveries", json=body, headers={"Idempotency-Key": "k"})
        assert made.status_code == 201, made.get_data(as_text=True)
        work_id = session.scalars(select(Delivery.work_id)).one()
        assert work_id is not None
    engine.dispose()
    run_step(portal.settings, "deliver", work_id)
    (tmp_path / "receive.txt").write_text(str(identity))
    _keep(tmp_path / "sign.pem", signs)
    _keep(tmp_path / "other.pem", Ed25519PrivateKey.generate())
    return Receiver(portal, asks, stranger, tmp_path, made.headers["Location"])


def _grant(session: Session, resource_id: uuid.UUID) -> uuid.UUID:
    version = session.scalars(select(ResourceVersion).where(ResourceVersion.resource_id == resource_id)).one()
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
    return grant.id


def _keep(path: Path, key: Ed25519PrivateKey) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_a_package_is_opened_and_acknowledged_with_its_signed_receipt(receiver: Receiver, tmp_path: Path) -> None:
    ready = receiver.asks.get(receiver.address).get_json()
    assert (ready["state"], ready["format"]) == ("PREPARED", "PACKAGE")
    package = tmp_path / "package.shuniu"
    package.write_bytes(receiver.portal.test_client().get(ready["address"]).get_data())
    good = receiver.open(package)

    bare = {"accepted": True, "sha256": ready["sha256"]}
    assert refused(receiver.acknowledge(receiver.asks, bare)) == (422, "delivery.receipt_needed")
    forged = receiver.open(package, "other.pem", "--again")
    assert refused(receiver.acknowledge(receiver.asks, {"accepted": True, **forged})) == (422, "delivery.bad_signature")
    key = Ed25519PrivateKey.generate()
    moved = good["receipt"] | {"package_sha256": "0" * 64}
    other = {"receipt": moved, "signature": base64.b64encode(key.sign(canonical_bytes(moved))).decode()}
    assert refused(receiver.acknowledge(receiver.asks, {"accepted": True, **other})) == (422, "delivery.other_receipt")
    assert refused(receiver.acknowledge(receiver.stranger, {"accepted": True, **good}))[0] == 403
    assert refused(receiver.acknowledge(receiver.asks, {"accepted": True, **good, "signature": "AAAA"}))[0] == 422

    done = receiver.acknowledge(receiver.asks, {"accepted": True, **good})
    assert (done.status_code, done.get_json()["state"]) == (201, "ACKNOWLEDGED"), done.get_json()
    assert refused(receiver.acknowledge(receiver.asks, {"accepted": True, **good})) == (409, "delivery.acknowledged")
    [entry] = receiver.asks.get("/api/v1/evidence?kind=delivery.acknowledged&limit=1").get_json()["items"]
    shown = receiver.asks.get(f"/api/v1/evidence/{entry['id']}").get_json()["entry"]
    after = orjson.loads(shown)["data"]["after"]
    assert (after["accepted"], len(after["content"]), "receipt" in after) == (True, 64, False)


def test_a_package_that_did_not_arrive_whole_is_turned_down(receiver: Receiver) -> None:
    assert refused(receiver.acknowledge(receiver.asks, {"accepted": False, "sha256": "0" * 64}))[0] == 422
    turned_down = {"accepted": False, "sha256": "0" * 64, "remark": "介质损坏"}
    done = receiver.acknowledge(receiver.asks, turned_down)
    assert (done.status_code, done.get_json()["state"]) == (201, "ACKNOWLEDGED")
