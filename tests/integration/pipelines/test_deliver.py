"""Files and packages prepared through the one door, killed and refused ones included."""

import base64
import hashlib
import io
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import x25519
from sqlalchemy import select

from adapters.clock import case_today
from adapters.database import transaction
from adapters.errors import Conflict, Misconfigured, Terminal, Transient
from adapters.objects import ObjectStore, objects
from adapters.work import MAXIMUM_ATTEMPTS, Work, take
from audit.actor import Actor
from audit.log_keys import log_keys
from audit.models import Evidence
from audit.promise import open_promise
from directory.catalogue.models import ResourceVersion
from exchange import release as door
from exchange.deliveries.models import Delivery, DeliveryState, FileFormat
from exchange.deliveries.progress import revoke
from exchange.deliveries.request import request
from exchange.errors import ReleaseRefused
from exchange.grants.models import Grant, ReleaseRecord
from exchange.modes.offline_open import open_package
from pipelines.deliver import package, prepare
from pipelines.ingest.load import load_now
from pipelines.steps import Claim, run_step
from schemas.words import Mode
from tests import factories
from tests.integration.pipelines.conftest import Hub

ROWS = [(f"C{i:03}", "=1+1" if i == 3 else f"企业{i}", f"{i}.5", "2001-01-01") for i in range(20)]


@dataclass
class Case:
    """A grant of three of four items over loaded data, and who may use it."""

    hub: Hub
    grant_id: uuid.UUID
    actor: Actor
    identity: x25519.Identity

    def ask(self, mode: Mode = Mode.FILES, form: FileFormat = FileFormat.PARQUET) -> uuid.UUID:
        """Ask for a delivery; its work's id."""
        with transaction(self.hub.settings.app_database_url) as session:
            made = request(
                session, self.actor, grant_id=self.grant_id, mode=mode, format=form, purpose="核验", matter="办件-1"
            )
            assert made.work_id
            return made.work_id

    def delivery(self, work_id: uuid.UUID) -> Delivery:
        """The delivery of a work row."""
        with transaction(self.hub.settings.app_database_url) as session:
            found = session.scalars(select(Delivery).where(Delivery.work_id == work_id)).one()
            session.expunge(found)
        return found

    def releases(self) -> list[str]:
        """States of all releases, oldest first."""
        with transaction(self.hub.settings.app_database_url) as session:
            return list(session.scalars(select(ReleaseRecord.state).order_by(ReleaseRecord.authorised_at)))

    def used(self) -> int:
        """Rows charged to the grant's quota."""
        with transaction(self.hub.settings.app_database_url) as session:
            return session.get_one(Grant, self.grant_id).used_rows

    def content(self, delivery: Delivery) -> bytes:
        """What lies ready."""
        return b"".join(objects(self.hub.settings).chunks(delivery.object_key))


@pytest.fixture
def case(hub: Hub) -> Case:
    resource_id = hub.resource(["FILES", "OFFLINE"])
    load_now(hub.settings, hub.attach(resource_id, hub.table(ROWS)))
    with transaction(hub.settings.app_database_url) as session:
        version = session.scalars(select(ResourceVersion).where(ResourceVersion.resource_id == resource_id)).one()
        requester = factories.agency(session)
        _, identity = factories.receiving_key(session, requester)
        grant = Grant(
            number=f"SX-{uuid.uuid4()}",
            resource_id=resource_id,
            resource_version_id=version.id,
            provider_id=version.resource.agency_id,
            items=["code", "name", "founded"],
            modes=["FILES", "OFFLINE"],
            purpose="",
            quota_rows=100,
            valid_from=case_today(session),
        )
        session.add(grant)
        session.flush()
        return Case(hub, grant.id, factories.official(session, requester, "REQUESTER"), identity)


def test_a_parquet_file_holds_granted_items_and_its_digest_is_everywhere(case: Case) -> None:
    work_id = case.ask()
    result = run_step(case.hub.settings, "deliver", work_id)
    delivery = case.delivery(work_id)
    content = case.content(delivery)
    table = pq.read_table(io.BytesIO(content))
    assert table.column_names == ["code", "name", "founded"]
    assert table["code"].to_pylist() == [row[0] for row in ROWS]
    assert delivery.sha256 == result["sha256"] == hashlib.sha256(content).hexdigest()
    assert (delivery.state, delivery.rows, delivery.bytes) == (DeliveryState.PREPARED, 20, len(content))
    assert delivery.file_name == f"{delivery.number}.parquet"
    assert (case.releases(), case.used()) == (["COMPLETED"], 20)
    assert run_step(case.hub.settings, "deliver", work_id) == result
    assert case.used() == 20


def test_a_csv_file_opens_in_a_spreadsheet_without_harm(case: Case) -> None:
    work_id = case.ask(form=FileFormat.CSV)
    run_step(case.hub.settings, "deliver", work_id)
    content = case.content(case.delivery(work_id))
    assert content.startswith(b"\xef\xbb\xbf")
    assert pv.read_csv(io.BytesIO(content))["name"][3].as_py() == "'=1+1"


def test_packages_follow_each_other_in_the_channel_and_open(case: Case, tmp_path: Path) -> None:
    previous = ""
    public = Ed25519PrivateKey.from_private_bytes(base64.b64decode(case.hub.settings.hub_key)).public_key()
    for sequence in (1, 2):
        work_id = case.ask(Mode.OFFLINE, FileFormat.PACKAGE)
        run_step(case.hub.settings, "deliver", work_id)
        delivery = case.delivery(work_id)
        path = tmp_path / f"{sequence}.shuniu"
        path.write_bytes(case.content(delivery))
        opened = open_package(path, str(case.identity), public, tmp_path / str(sequence), tmp_path / "channel.json")
        assert (opened.place.again, len(opened.place.missing)) == (False, 0)
        assert (opened.facts["sequence"], opened.facts["previous"]) == (sequence, previous)
        assert opened.facts["receiver"] == case.actor.agency_code
        assert pq.read_table(tmp_path / str(sequence) / "data.parquet").num_rows == 20
        assert delivery.statement
        keys = log_keys(case.hub.settings)
        promise = open_promise(opened.facts["promise"].encode(), keys.promise_key, keys.log.name)
        with transaction(case.hub.settings.app_database_url) as session:
            promised = session.scalars(select(Evidence.kind).where(Evidence.leaf_hash.in_(promise.leaves))).all()
        assert sorted(promised) == ["delivery.requested", "release.authorised"]
        previous = delivery.statement["sha256"]
        assert delivery.recipient_key_id


def test_a_grant_that_was_stopped_gives_nothing_and_says_so(case: Case) -> None:
    work_id = case.ask()
    with transaction(case.hub.settings.app_database_url) as session:
        grant = session.get_one(Grant, case.grant_id)
        grant.state, grant.suspended_by = "SUSPENDED", "PROVIDER"
    with pytest.raises(ReleaseRefused):
        run_step(case.hub.settings, "deliver", work_id)
    delivery = case.delivery(work_id)
    assert (delivery.state, delivery.object_key) == (DeliveryState.FAILED, "")
    assert delivery.problem
    with transaction(case.hub.settings.app_database_url) as session:
        kinds = set(session.scalars(select(Evidence.kind).where(Evidence.outcome != "DONE")))
    assert kinds == {"release.refused", "delivery.failed"}


def test_a_store_that_breaks_off_closes_the_door_and_gives_the_quota_back(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise Transient("objects.failed", "broken by the test")

    work_id = case.ask()
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "put", broken)
        with pytest.raises(Transient):
            run_step(case.hub.settings, "deliver", work_id)
    assert (case.releases(), case.used()) == (["ABORTED"], 0)
    run_step(case.hub.settings, "deliver", work_id)
    assert (case.releases(), case.used()) == (["ABORTED", "COMPLETED"], 20)


def test_a_door_left_open_by_a_killed_attempt_is_closed_by_the_next(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Ends the step as a kill would: nothing is written down."""

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    work_id = case.ask()
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "put", killed)
        with pytest.raises(Killed):
            run_step(case.hub.settings, "deliver", work_id)
    assert (case.releases(), case.used()) == (["AUTHORISED"], 20)
    run_step(case.hub.settings, "deliver", work_id)
    assert (case.releases(), case.used()) == (["ABORTED", "COMPLETED"], 20)


def test_a_delivery_revoked_while_it_was_made_leaves_no_file(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    put = ObjectStore.put
    guard: dict[str, Actor] = {}
    with transaction(case.hub.settings.app_database_url) as session:
        owner = session.get_one(Grant, case.grant_id).resource.agency
        guard["actor"] = factories.official(session, owner, "SECURITY_ADMINISTRATOR")

    work_id = case.ask()

    def revoked_meanwhile(self: ObjectStore, *arguments: Any, **more: Any) -> Any:
        stored = put(self, *arguments, **more)
        with transaction(case.hub.settings.app_database_url) as session:
            revoke(session, guard["actor"], case.delivery(work_id).id, reason="停止提供")
        return stored

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "put", revoked_meanwhile)
        with pytest.raises(Conflict):
            run_step(case.hub.settings, "deliver", work_id)
    delivery = case.delivery(work_id)
    assert delivery.state == DeliveryState.FAILED
    assert list(objects(case.hub.settings).keys(f"deliveries/{delivery.id}/")) == []
    assert (case.releases(), case.used()) == (["ABORTED"], 0)


def test_a_stale_attempt_overwrites_nothing_and_leaves_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lost its lease while it wrote ends after the next has prepared the delivery."""
    put, work_id = ObjectStore.put, case.ask()
    ready: list[dict[str, Any]] = []

    def overtaken(self: ObjectStore, key: str, *arguments: Any, **more: Any) -> Any:
        monkeypatch.setattr(ObjectStore, "put", put)
        with transaction(case.hub.settings.app_database_url) as session:
            taken = take(session, work_id)
            assert taken
            claim = Claim(case.hub.settings, work_id, dict(taken.payload), dict(taken.result), taken.lease_token)
        ready.append(prepare.run(claim))
        return put(self, key, io.BytesIO(b"stale"), length=5, media_type="x")

    monkeypatch.setattr(ObjectStore, "put", overtaken)
    with pytest.raises(Transient):
        run_step(case.hub.settings, "deliver", work_id)
    delivery = case.delivery(work_id)
    assert (delivery.state, delivery.sha256) == (DeliveryState.PREPARED, ready[0]["sha256"])
    assert hashlib.sha256(case.content(delivery)).hexdigest() == delivery.sha256
    assert list(objects(case.hub.settings).keys(f"deliveries/{delivery.id}/")) == [delivery.object_key]
    assert (case.releases(), case.used()) == (["ABORTED", "COMPLETED"], 20)


@pytest.mark.parametrize("lost", [False, True])
def test_a_file_stays_exactly_when_its_delivery_was_committed(
    case: Case, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """A database that fails at the end: before the commit the file goes; after it, only the answer is lost."""
    complete, work_id = door.complete, case.ask()

    def failing(*arguments: Any, **more: Any) -> None:
        if lost:
            complete(*arguments, **more)
        raise Transient("database.lost", "broken by the test")

    with monkeypatch.context() as patch:
        patch.setattr(door, "complete", failing)
        with pytest.raises(Transient):
            run_step(case.hub.settings, "deliver", work_id)
    delivery = case.delivery(work_id)
    assert delivery.state == (DeliveryState.PREPARED if lost else DeliveryState.REQUESTED)
    kept = list(objects(case.hub.settings).keys(f"deliveries/{delivery.id}/"))
    assert kept == ([delivery.object_key] if lost else [])


def test_what_a_killed_attempt_left_is_gone_after_the_next(case: Case) -> None:
    work_id = case.ask()
    folder = f"deliveries/{case.delivery(work_id).id}/"
    objects(case.hub.settings).put(f"{folder}{uuid.uuid4()}/x.parquet", io.BytesIO(b"left"), length=4)
    run_step(case.hub.settings, "deliver", work_id)
    assert list(objects(case.hub.settings).keys(folder)) == [case.delivery(work_id).object_key]


def test_a_hub_without_its_own_key_makes_no_package(case: Case) -> None:
    for wrong in ("", "no key"):
        with pytest.raises(Misconfigured):
            package.hub_key(type(case.hub.settings)(home=case.hub.settings.home, hub_key=wrong))


def test_work_that_is_given_up_fails_its_delivery(case: Case) -> None:
    work_id = case.ask()
    with transaction(case.hub.settings.app_database_url) as session:
        prepare.give_up(session, session.get_one(Work, work_id), "Airflow is gone")
    assert case.delivery(work_id).problem == "Airflow is gone"


def test_what_went_wrong_inside_stays_in_the_log(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("row 110101199003078515 of lake/key")

    monkeypatch.setattr(prepare, "WRITERS", {FileFormat.PARQUET: broken})
    work_id = case.ask()
    with transaction(case.hub.settings.app_database_url) as session:
        session.get_one(Work, work_id).attempts = MAXIMUM_ATTEMPTS
    with pytest.raises(Terminal, match=str(work_id)):
        run_step(case.hub.settings, "deliver", work_id)
    delivery = case.delivery(work_id)
    assert (delivery.state, str(work_id) in delivery.problem) == (DeliveryState.FAILED, True)
    assert "110101199003078515" in caplog.text
    with transaction(case.hub.settings.app_database_url) as session:
        told = [entry.body.decode() for entry in session.scalars(select(Evidence))]
        problems = list(session.scalars(select(Work.problem)))
    for text in (delivery.problem, *told, *problems):
        assert "110101199003078515" not in text
