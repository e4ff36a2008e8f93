"""Deliveries: asked for under a grant, prepared, revoked, acknowledged with what arrived."""

import json
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from adapters.work import Runner, Work
from audit.append import append
from audit.models import Evidence
from directory.datasets.models import DatasetState, DatasetVersion
from exchange.deliveries import progress, queries
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.compared import receipts_stand
from exchange.deliveries.models import Delivery, FileFormat
from exchange.deliveries.request import request
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.suspend import suspend
from exchange.hooks import on_published
from exchange.modes.offline_open import receipt_of
from schemas.canonical import canonical_bytes
from schemas.words import Mode
from tests import factories
from tests.integration.exchange.conftest import Case

DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def grant(case: Case) -> Grant:
    """A grant of two items, whose data is loaded."""
    case.session.add(loaded(case))
    application = case.granted(["ask_2", "ask_3"])
    return case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()


def loaded(case: Case) -> DatasetVersion:
    return DatasetVersion(
        resource_id=case.version.resource_id,
        resource_version_id=case.version.id,
        number=1,
        state=DatasetState.READY,
        location="lake/x",
        delta_version=0,
    )


def asked(case: Case, grant: Grant, **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "grant_id": grant.id,
        "mode": Mode.FILES,
        "format": FileFormat.CSV,
        "purpose": grant.purpose or "公共服务",
        "matter": "办件-2026-17",
    }
    actor = changes.pop("actor", case.asks)
    return request(case.session, actor, **(values | changes))


def prepared(case: Case, grant: Grant, **changes: Any) -> Delivery:
    delivery = asked(case, grant, **changes)
    dataset = case.session.scalars(select(DatasetVersion)).one()
    release_id = uuid.uuid4()
    entry = append(case.session, "release.completed", f"release/{release_id}", case.asks)
    record = ReleaseRecord(
        id=release_id,
        grant_id=grant.id,
        agency_id=case.requester.id,
        dataset_version_id=dataset.id,
        mode=delivery.mode,
        state="COMPLETED",
        purpose=delivery.purpose,
        matter=delivery.matter,
        digest=DIGEST,
        evidence_id=entry.id,
    )
    case.session.add(record)
    case.session.flush()
    done: dict[str, Any] = {
        "release_id": release_id,
        "object_key": "deliveries/x",
        "file_name": "x",
        "rows": 3,
        "size": 9,
    }
    progress.mark_prepared(case.session, delivery.id, **done, sha256=DIGEST)
    progress.mark_prepared(case.session, delivery.id, **done, sha256=OTHER)
    return delivery


def test_asking_commits_a_number_and_a_work_row_for_airflow(case: Case, grant: Grant) -> None:
    delivery = asked(case, grant)
    assert (delivery.number, delivery.state) == (f"{case.provider.short_code}-JF-2026-0001", "REQUESTED")
    work = case.session.get_one(Work, delivery.work_id)
    assert (work.kind, work.runner, work.payload) == ("deliver", Runner.AIRFLOW, {"delivery_id": str(delivery.id)})
    assert case.kinds(f"application/{grant.application_id}")[-1] == "delivery.requested"
    assert [row.id for row in queries.mine(case.session, case.asks).items] == [delivery.id]
    assert [row.id for row in queries.given(case.answers).page(case.session, {}).items] == [delivery.id]
    assert queries.of_grant(case.session, grant.id) == (delivery,)


def test_a_program_of_the_agency_may_ask(case: Case, grant: Grant) -> None:
    program = factories.client(case.session, case.requester)
    delivery = asked(case, grant, actor=program)
    assert (delivery.requested_by, delivery.requested_client) == (None, program.client_id)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "营销"}, "release.other_purpose"),
        ({"mode": Mode.OFFLINE, "format": FileFormat.CSV}, "delivery.format"),
        ({"mode": Mode.INTERFACE}, "delivery.format"),
        ({"mode": Mode.OFFLINE, "format": FileFormat.PACKAGE}, "delivery.no_key"),
        ({"matter": ""}, "text.required"),
        ({"grant_id": uuid.uuid4()}, "grant.unknown"),
    ],
)
def test_what_the_door_would_refuse_is_refused_at_once(
    case: Case, grant: Grant, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises((NotAllowed, InvalidInput, Conflict, NotFound)) as caught:
        asked(case, grant, **changes)
    assert caught.value.code == code
    assert not case.session.scalars(select(Delivery)).all()


def test_a_suspended_grant_delivers_nothing_and_evidence_says_so(case: Case, grant: Grant) -> None:
    suspend(case.session, case.answers, grant.id, reason="核查")
    with pytest.raises(NotAllowed) as caught:
        asked(case, grant)
    assert caught.value.code == "release.not_active"
    refusal = caught.value.refusal
    assert refusal is not None
    assert (refusal.kind, refusal.subject) == ("delivery.requested", f"grant/{grant.id}")


def test_other_agencies_neither_ask_nor_read_nor_acknowledge(case: Case, grant: Grant) -> None:
    third = factories.official(case.session, factories.agency(case.session), "REQUESTER")
    with pytest.raises(NotAllowed):
        asked(case, grant, actor=third)
    delivery = prepared(case, grant)
    with pytest.raises(NotAllowed):
        queries.detail(case.session, third, delivery.id)
    with pytest.raises(NotAllowed):
        acknowledge(case.session, third, delivery.id, accepted=True, sha256=DIGEST)


def test_every_agency_may_ask_under_a_standing_grant(case: Case) -> None:
    case.session.add(loaded(case))
    on_published(case.session, case.answers, case.version)
    standing = case.session.scalars(select(Grant).where(Grant.requester_id.is_(None))).one()
    third = factories.official(case.session, factories.agency(case.session), "REQUESTER")
    assert asked(case, standing, actor=third).agency_id == third.agency_id


def test_a_repeated_step_changes_nothing_and_a_failed_delivery_stays_failed(case: Case, grant: Grant) -> None:
    delivery = prepared(case, grant)
    assert (delivery.state, delivery.sha256) == ("PREPARED", DIGEST)
    progress.mark_failed(case.session, delivery.id, problem="late")
    assert delivery.state == "PREPARED"
    lost = asked(case, grant)
    progress.mark_failed(case.session, lost.id, problem="no disk")
    assert [lost.state, lost.problem] == ["FAILED", "no disk"]
    with pytest.raises(Conflict):
        progress.mark_prepared(
            case.session,
            lost.id,
            release_id=uuid.uuid4(),
            object_key="x",
            file_name="x",
            rows=0,
            size=0,
            sha256=DIGEST,
        )


def test_the_provider_revokes_what_is_not_acknowledged(case: Case, grant: Grant) -> None:
    delivery, waiting = prepared(case, grant), asked(case, grant)
    with pytest.raises(NotAllowed):
        progress.revoke(case.session, case.asks, delivery.id, reason="不要")
    progress.revoke(case.session, case.answers, delivery.id, reason="发错")
    progress.revoke(case.session, case.answers, waiting.id, reason="停止")
    assert [delivery.state, waiting.state] == ["REVOKED", "FAILED"]
    with pytest.raises(Conflict):
        progress.revoke(case.session, case.answers, delivery.id, reason="再次")


def test_a_file_is_acknowledged_after_it_was_fetched_and_byte_for_byte(case: Case, grant: Grant) -> None:
    delivery = prepared(case, grant)
    with pytest.raises(Conflict) as early:
        acknowledge(case.session, case.asks, delivery.id, accepted=True, sha256=DIGEST)
    assert early.value.code == "delivery.not_arrived"
    delivery.state = "DELIVERED"
    for sha256, code in (
        (OTHER, "delivery.wrong_digest"),
        ("A" * 64, "delivery.no_digest"),
        ("", "delivery.no_digest"),
    ):
        with pytest.raises(InvalidInput) as caught:
            acknowledge(case.session, case.asks, delivery.id, accepted=True, sha256=sha256)
        assert caught.value.code == code
    given = acknowledge(case.session, case.asks, delivery.id, accepted=True, sha256=DIGEST)
    assert (given.accepted, delivery.state) == (True, "ACKNOWLEDGED")
    with pytest.raises(Conflict):
        acknowledge(case.session, case.asks, delivery.id, accepted=True, sha256=DIGEST)


def test_a_delivery_is_turned_down_with_a_remark(case: Case, grant: Grant) -> None:
    delivery = prepared(case, grant)
    delivery.state = "DELIVERED"
    with pytest.raises(InvalidInput):
        acknowledge(case.session, case.asks, delivery.id, accepted=False, sha256=OTHER)
    given = acknowledge(case.session, case.asks, delivery.id, accepted=False, sha256=OTHER, remark="文件损坏")
    assert [given.accepted, given.remark, delivery.state] == [False, "文件损坏", "ACKNOWLEDGED"]


def test_what_cannot_be_read_is_turned_down_without_a_digest(case: Case, grant: Grant) -> None:
    delivery = prepared(case, grant)
    delivery.state = "DELIVERED"
    with pytest.raises(InvalidInput) as caught:
        acknowledge(case.session, case.asks, delivery.id, accepted=False, sha256="no digest", remark="文件无法读取")
    assert caught.value.code == "delivery.no_digest"
    given = acknowledge(case.session, case.asks, delivery.id, accepted=False, remark="文件无法读取")
    assert [given.accepted, given.sha256, delivery.state] == [False, "", "ACKNOWLEDGED"]
    entry = case.session.scalars(select(Evidence).where(Evidence.kind == "delivery.acknowledged")).one()
    after = json.loads(entry.body)["data"]["after"]
    assert (after["accepted"], "sha256" in after, "remark" in after) == (False, False, False)
    assert list(receipts_stand(case.session)) == []
    given.sha256 = OTHER
    [found] = receipts_stand(case.session)
    assert "something else of its content" in found.sentence, "that no digest was given is in the entry's content"


def test_a_package_needs_the_receipt_signed_by_the_agencys_key(case: Case, grant: Grant) -> None:
    factories.receiving_key(case.session, case.requester)
    delivery = prepared(case, grant, mode=Mode.OFFLINE, format=FileFormat.PACKAGE)
    facts = {
        "delivery": str(delivery.id),
        "number": delivery.number,
        "receiver": case.requester.credit_code,
        "sequence": 1,
    }
    receipt = receipt_of(facts, DIGEST)
    key = case.keys[case.requester.id]
    signature = key.sign(canonical_bytes(receipt))
    other = receipt | {"package_sha256": OTHER}
    wrong = [
        (None, None, "delivery.receipt_needed"),
        (receipt, None, "delivery.receipt_needed"),
        (other, key.sign(canonical_bytes(other)), "delivery.other_receipt"),
        (receipt, case.keys[case.provider.id].sign(canonical_bytes(receipt)), "delivery.bad_signature"),
        (receipt | {"more": 2**60}, signature, "delivery.bad_signature"),
    ]
    for body, signed, code in wrong:
        with pytest.raises(InvalidInput) as caught:
            acknowledge(case.session, case.asks, delivery.id, accepted=True, receipt=body, signature=signed)
        assert caught.value.code == code
    given = acknowledge(case.session, case.asks, delivery.id, accepted=True, receipt=receipt, signature=signature)
    assert (given.receipt, given.signature, given.sha256) == (receipt, signature, DIGEST)
    assert given.key_id is not None
