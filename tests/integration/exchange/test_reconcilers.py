"""The exchange's tables beside the evidence log: a whole story agrees, and every change behind its back is named."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Executable, delete, func, insert, select, update

from audit.append import append, configure
from audit.models import Evidence
from audit.reconcile import Discrepancy, Reconciler
from directory.keys.models import AgencyKey
from directory.keys.revoke import revoke_key
from exchange import reconcilers
from exchange import release as door
from exchange.agreements.models import Agreement, AgreementSignature
from exchange.applications.answer import content as answer_content
from exchange.applications.hand_over import record_hand_over
from exchange.applications.models import Answer, AnswerItem, Application, HandOver, WrittenReceipt
from exchange.applications.receipt import content as receipt_content
from exchange.applications.receipt import register_receipt, settle_receipt
from exchange.applications.withdraw import withdraw
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.models import Acknowledgement, Delivery, FileFormat
from exchange.deliveries.progress import mark_prepared, revoke
from exchange.disputes.conclude import conclude
from exchange.disputes.escalate import escalate
from exchange.disputes.models import Conclusion, Dispute, Outcome, Statement
from exchange.disputes.raise_dispute import raise_dispute
from exchange.disputes.rule import rule
from exchange.disputes.state import state
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.recorded import content as grant_content
from exchange.grants.resume import resume
from exchange.grants.suspend import suspend
from exchange.hooks import on_published
from exchange.modes.offline_open import receipt_of
from exchange.needs.answer import accept
from exchange.needs.models import Need
from exchange.needs.raise_need import content as need_content
from exchange.needs.raise_need import raise_need
from schemas.canonical import canonical_bytes, digest, sha256_hex
from schemas.words import Mode
from tests import factories
from tests.integration.exchange.conftest import MONDAY, Case, text_of
from tests.integration.exchange.test_deliveries import DIGEST, loaded
from tests.integration.exchange.test_deliveries import asked as asked_for

_STANDING = select(Grant.id).where(Grant.requester_id.is_(None)).limit(1).scalar_subquery()


_PROVIDER = select(Need.provider_id).limit(1).scalar_subquery()
_ASKING_PERSON = select(Application.applied_by).limit(1).scalar_subquery()
_ANOTHER_PERSON = select(Answer.answered_by).limit(1).scalar_subquery()
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_PERSON = "310101199003071234"
_CHOSEN = {"field": "ask_2", "operator": "EQUALS", "values": [_PERSON]}
_ANOTHER = {"field": "ask_2", "operator": "EQUALS", "values": ["310101199003075678"]}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Reconciler]:
    """The reconcilers that the exchange registers, and no other room's."""
    found: dict[str, Reconciler] = {}
    monkeypatch.setattr(reconcilers, "register", found.__setitem__)
    reconcilers.register_reconcilers()
    return found


def named(case: Case, registered: dict[str, Reconciler]) -> dict[str, list[Discrepancy]]:
    case.session.flush()
    case.session.expire_all()
    results: dict[str, Iterator[Discrepancy]] = {name: check(case.session) for name, check in registered.items()}
    return {name: found for name, result in results.items() if (found := list(result))}


@pytest.fixture
def story(case: Case) -> Case:
    """What ``tell`` tells."""
    return tell(case)


def tell(case: Case) -> Case:
    """One of everything: standing grant, refusal with dispute, agreement, suspension, withdrawal, need."""
    on_published(case.session, case.answers, case.version)
    application = case.form(["ask_2", "ask_4"])
    record_hand_over(case.session, case.asks, application.id, handed_over_on=MONDAY, proof="快递单号1")
    register_receipt(case.session, case.answers, application.id, received_on=MONDAY, receiver="收发室")
    settle_receipt(case.session, case.office, application.id, received_on=MONDAY, reason="有回执")
    case.answer(application, ["ask_4"], ["ask_2"])
    case.sign_both(case.session.scalars(select(Agreement)).one())
    dispute = raise_dispute(case.session, case.asks, application.id, text="确需")
    conclude(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="重新答复")
    grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    suspend(case.session, case.answers, grant.id, reason="核查")
    case.answer(application, ["ask_2"])
    case.sign_both(case.session.scalars(select(Agreement).where(Agreement.state == "PROPOSED")).one())
    living = case.session.scalars(select(Grant).where(Grant.application_id == application.id, Grant.state != "ENDED"))
    resume(case.session, case.answers, living.one().id, reason="核查完毕")
    withdraw(case.session, case.asks, case.received(["ask_3"]).id, reason="不再需要")
    refused = case.received(["ask_3"])
    case.answer(refused, [], ["ask_3"])
    raise_dispute(case.session, case.asks, refused.id, text="确需")
    withdraw(case.session, case.asks, refused.id, reason="改从他处取得")
    for answered in (False, True):
        need = raise_need(
            case.session,
            case.asks,
            provider_id=case.provider.id,
            resource_id=case.version.resource_id,
            description="实际控制人",
            purpose="核查",
            duty="法",
        )
        if answered:
            accept(case.session, case.answers, need.id, answer="年内编目")
    use_the_grant(case)
    return case


def use_the_grant(case: Case) -> None:
    """A grant with a quota, all ends of a release under it, two receipts of deliveries, and a ruling."""
    ruled = case.received(["ask_2", "ask_3"], quota_rows=100, row_condition=_CHOSEN)
    case.answer(ruled, ["ask_2"], ["ask_3"])
    dispute = raise_dispute(case.session, case.asks, ruled.id, text="确需")
    state(case.session, case.answers, dispute.id, text="不宜")
    escalate(case.session, case.office, dispute.id, text="提请决定")
    ruling: dict[str, Any] = {"outcome": Outcome.RULED_TO_SHARE, "text": "应当共享", "document": "会议纪要3号"}
    rule(case.session, case.office, dispute.id, **ruling)
    dataset = loaded(case)
    dataset.rows_source = dataset.rows_read = dataset.rows_good = 10
    case.session.add(dataset)
    case.session.flush()
    grant = case.session.scalars(select(Grant).where(Grant.application_id == ruled.id)).one()
    asked = door.ReleaseRequest(case.asks, Mode.FILES, grant.purpose, "办件-1")
    door.complete(case.session, door.authorise(case.session, grant.id, asked), rows=7, size=70, digest="c" * 64)
    door.abort(case.session, door.authorise(case.session, grant.id, asked), rows=2, size=20, reason="断线")
    door.authorise(case.session, grant.id, asked)
    door.sweep_open(case.session, timedelta(0))
    door.authorise(case.session, grant.id, asked)
    case.answer(ruled, ["ask_3"])
    wider = case.session.scalars(select(Grant).where(Grant.application_id == ruled.id, Grant.state != "ENDED")).one()
    release = door.check(case.session, wider.id, asked)
    door.complete_whole(case.session, release, rows=5, body=b"[]")
    factories.receiving_key(case.session, case.requester)
    for accepted in (True, False):
        delivery = asked_for(case, wider, mode=Mode.OFFLINE, format=FileFormat.PACKAGE)
        request = door.ReleaseRequest(case.asks, Mode.OFFLINE, delivery.purpose, delivery.matter)
        release = door.authorise(case.session, wider.id, request)
        door.complete(case.session, release, rows=3, size=9, digest=DIGEST)
        done: dict[str, Any] = {
            "release_id": release.id,
            "object_key": "x",
            "file_name": "x",
            "rows": 3,
            "size": 9,
            "sha256": DIGEST,
        }
        mark_prepared(case.session, delivery.id, **done)
        facts = {
            "delivery": str(delivery.id),
            "number": delivery.number,
            "receiver": case.requester.credit_code,
            "sequence": 1,
        }
        receipt = receipt_of(facts, DIGEST)
        signature = case.keys[case.requester.id].sign(canonical_bytes(receipt))
        given: dict[str, Any] = (
            {"receipt": receipt, "signature": signature} if accepted else {"sha256": DIGEST, "remark": "介质损坏"}
        )
        acknowledge(case.session, case.asks, delivery.id, accepted=accepted, **given)


def test_a_whole_story_agrees_with_the_log(story: Case, registered: dict[str, Reconciler]) -> None:
    assert named(story, registered) == {}


CHANGES: list[tuple[Executable, str]] = [
    (update(Application).where(Application.form_digest.is_not(None)).values(form={"items": []}), "form-content"),
    (update(AnswerItem).values(reason="另有原因"), "answer-content"),
    (update(Answer).values(late=True), "answer-content"),
    (update(Agreement).values(document={"items": []}), "agreement-content"),
    (update(Grant).where(Grant.state == "ACTIVE").values(items=["kept_5"]), "grant-content"),
    (update(Grant).where(Grant.state == "ACTIVE").values(modes=["BROWSE"]), "grant-content"),
    (update(Grant).where(Grant.row_condition != {}).values(row_condition=_ANOTHER), "grant-content"),
    (update(Grant).where(Grant.row_condition != {}).values(row_condition={}), "grant-content"),
    (update(Grant).where(Grant.state == "ACTIVE").values(purpose="另有用途"), "grant-content"),
    (update(Application).where(Application.row_condition != {}).values(row_condition=_ANOTHER), "form-content"),
    (
        update(Grant).where(Grant.requester_id.is_(None)).values(state="SUSPENDED", suspended_by="HUB"),
        "grant-state",
    ),
    (update(Dispute).values(state="WITHDRAWN"), "dispute-state"),
    (delete(Need), "need-entries"),
    (update(Need).values(purpose="另有用途"), "need-content"),
    (update(Need).where(Need.state == "ACCEPTED").values(answer="不予考虑"), "need-content"),
    (update(Need).values(state="WITHDRAWN"), "need-content"),
    (update(Application).where(Application.state != "GRANTED").values(state="GRANTED"), "application-case"),
    (update(Application).where(Application.state == "CLOSED").values(state="REFUSED"), "application-case"),
    (update(Application).values(received_on=MONDAY - timedelta(30)), "application-case"),
    (update(Application).values(due_on=MONDAY + timedelta(30)), "application-case"),
    (update(Application).values(due_provisional=True), "application-case"),
    (update(Application).where(Application.form_digest.is_not(None)).values(purpose="另有用途"), "form-content"),
    (update(WrittenReceipt).values(receiver="别人"), "receipt-content"),
    (update(WrittenReceipt).values(received_on=MONDAY - timedelta(30)), "receipt-content"),
    (delete(WrittenReceipt), "receipt-entries"),
    (update(HandOver).values(proof="快递无"), "hand-over-content"),
    (update(AgreementSignature).values(signature=b"0" * 64), "agreement-signatures"),
    (delete(AgreementSignature), "agreement-signatures"),
    (update(Agreement).values(valid_to=MONDAY), "agreement-content"),
    (update(Conclusion).values(text="另有结论"), "conclusion-content"),
    (update(Conclusion).values(outcome="REFUSAL_STANDS"), "conclusion-content"),
    (update(Conclusion).where(Conclusion.is_ruling).values(document="无"), "conclusion-content"),
    (delete(Conclusion).where(Conclusion.is_ruling), "ruled"),
    (update(Statement).values(text="另有说法"), "statement-content"),
    (update(Grant).where(Grant.quota_rows.is_not(None)).values(used_rows=0), "grant-used"),
    (update(Grant).where(Grant.requester_id.is_(None)).values(used_rows=1), "grant-used"),
    (update(ReleaseRecord).values(rows=999_999), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "ABORTED").values(rows=0), "grant-used"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "UNKNOWN").values(rows_reserved=0), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 7).values(digest="f" * 64), "release-digest"),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 5).values(digest="f" * 64), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 7).values(matter="另案"), "release-use"),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 7).values(purpose="另有用途"), "release-use"),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 5).values(state="UNKNOWN"), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 7).values(grant_id=_STANDING), "release-content"),
    (update(Delivery).values(sha256="e" * 64), "delivery-prepared"),
    (update(Delivery).values(rows=1), "delivery-content"),
    (update(Delivery).values(matter="另案"), "delivery-content"),
    (update(Delivery).values(purpose="另有用途"), "delivery-content"),
    (update(Delivery).values(state="PREPARED"), "delivery-content"),
    (update(Acknowledgement).values(accepted=False, remark="并未收到"), "receipt-of-delivery"),
    (update(Acknowledgement).values(sha256="c" * 64), "receipt-of-delivery"),
    (update(Acknowledgement).values(signature=b"0" * 64), "receipt-of-delivery"),
    (update(Acknowledgement).values(remark="另有说法"), "receipt-of-delivery"),
    (delete(Acknowledgement), "acknowledged"),
    (update(ReleaseRecord).values(agency_id=_PROVIDER), "release-content"),
    (update(ReleaseRecord).values(authorised_at=_LONG_AGO), "release-content"),
    (update(ReleaseRecord).values(closed_at=_LONG_AGO), "release-content"),
    (update(Delivery).values(agency_id=_PROVIDER), "delivery-content"),
    (update(Delivery).values(requested_by=None), "delivery-content"),
    (update(Delivery).values(requested_at=_LONG_AGO), "delivery-content"),
    (update(Delivery).values(prepared_at=_LONG_AGO), "delivery-content"),
    (update(Delivery).values(delivered_at=_LONG_AGO), "delivery-content"),
    (update(Acknowledgement).values(acknowledged_by=None), "receipt-of-delivery-deeds"),
    (update(Acknowledgement).values(acknowledged_at=_LONG_AGO), "receipt-of-delivery-deeds"),
    (update(Need).values(requester_id=_PROVIDER), "need-deeds"),
    (update(Need).values(raised_at=_LONG_AGO), "need-deeds"),
    (update(Need).where(Need.state == "ACCEPTED").values(answered_by=None), "need-deeds"),
    (update(Grant).where(Grant.state == "ENDED").values(state_reason="另有原因"), "grant-held"),
    (update(Grant).where(Grant.state == "ENDED").values(suspended_by="SECURITY"), "grant-held"),
    (update(Grant).where(Grant.state == "ENDED").values(ended_at=_LONG_AGO), "grant-deeds"),
    (update(Agreement).where(Agreement.state == "TERMINATED").values(terminated_at=_LONG_AGO), "agreement-deeds"),
    (update(Application).values(applied_by=_ANOTHER_PERSON), "application-deeds"),
    (update(Answer).values(answered_by=_ASKING_PERSON), "answer-deeds"),
    (update(Answer).values(answered_at=_LONG_AGO), "answer-deeds"),
    (update(Statement).values(agency_id=_PROVIDER), "statement-deeds"),
    (update(Conclusion).values(concluded_by=_ASKING_PERSON), "conclusion-deeds"),
    (update(Delivery).values(grant_id=_STANDING), "delivery-content"),
    (update(Delivery).values(object_key="y"), "delivery-prepared"),
    (update(Delivery).values(statement={"rows": 1}), "delivery-prepared"),
    (update(Application).values(rule_set="another"), "application-deeds"),
    (update(Application).where(Application.state == "CLOSED").values(state_reason="另有原因"), "withdrawn-reason"),
    (update(Application).where(Application.state != "CLOSED").values(state_reason="另有原因"), "withdrawn-reason"),
    (update(Agreement).values(digest="f" * 64), "agreement-end"),
    (update(Agreement).where(Agreement.state == "TERMINATED").values(termination_reason="x"), "agreement-end"),
    (update(Agreement).where(Agreement.state != "TERMINATED").values(termination_reason="x"), "agreement-end"),
    (delete(Statement), "statement-entries"),
    (delete(Conclusion).where(Conclusion.is_ruling.is_(False)), "conclusion-entries"),
    (delete(HandOver), "hand-over-each"),
    (
        insert(HandOver).from_select(
            ["id", "application_id", "handed_over_on", "proof", "recorded_by", "recorded_at"],
            select(
                func.gen_random_uuid(),
                HandOver.application_id,
                HandOver.handed_over_on,
                HandOver.proof,
                HandOver.recorded_by,
                HandOver.recorded_at,
            ),
        ),
        "hand-over-each",
    ),
]
"""What somebody with the database's password changes, and the reconciler that names it."""


def test_a_dropped_signature_is_compared_both_ways(case: Case, registered: dict[str, Reconciler]) -> None:
    session, stands = case.session, registered["agreement-signatures"]
    case.granted(["ask_4"])
    agreement = session.scalars(select(Agreement)).one()
    case.sign(agreement, case.asks_signs)
    first = session.execute(select(AgreementSignature.__table__)).one()._asdict()
    held = session.scalars(select(AgencyKey).where(AgencyKey.agency_id == case.requester.id)).one()
    revoke_key(session, case.asks_signs, held.id, reason="遗失")
    case.keys[case.requester.id] = factories.signing_key(session, case.requester)[1]
    assert named(case, registered) == {}
    case.sign(agreement, case.asks_signs)
    second = session.execute(select(AgreementSignature.__table__)).one()._asdict()
    assert named(case, registered) == {}
    back = update(AgreementSignature).values(key_id=first["key_id"], signature=first["signature"])
    another = update(AgreementSignature).values(signed_by=case.answers_signs.person_id)
    for behind in (delete(AgreementSignature), back, another):
        with session.begin_nested() as changed:
            session.execute(behind)
            session.expire_all()
            [found] = stands(session)
            assert found.subject == f"agreement/{agreement.id}"
            changed.rollback()
        session.expire_all()
    current = session.get_one(AgencyKey, second["key_id"])
    _entry(case, agreement, "agreement.signature_dropped", current)
    [found] = stands(session)
    assert "no entry" in found.sentence
    session.execute(delete(AgreementSignature))
    assert named(case, registered) == {}


def _entry(case: Case, agreement: Agreement, kind: str, key: AgencyKey) -> None:
    append(case.session, kind, f"agreement/{agreement.id}", case.asks_signs, after={"key": key.fingerprint})


def test_each_change_behind_the_logs_back_is_named(story: Case, registered: dict[str, Reconciler]) -> None:
    missed = []
    for behind, name in CHANGES:
        story.session.flush()
        with story.session.begin_nested() as changed:
            story.session.execute(behind)
            story.session.expire_all()
            if not list(registered[name](story.session)):
                missed.append((name, str(behind)))
            changed.rollback()
        story.session.expire_all()
    assert missed == []
    assert named(story, registered) == {}


def test_what_names_people_lies_in_no_entry_in_the_clear_nor_what_it_could_be_found_by(story: Case) -> None:
    session = story.session
    revoke(session, story.answers, asked_for(story, _living(story)).id, reason="张三另案处理")
    grants = session.scalars(select(Grant)).all()
    applications = [row for row in session.scalars(select(Application)) if row.form_digest]
    agreements = session.scalars(select(Agreement)).all()
    words = {
        _PERSON,
        "张三另案处理",
        "快递单号1",
        "收发室",
        "有回执",
        "确需",
        "核查",
        "不再需要",
        "介质损坏",
        "年内编目",
    }
    words |= {digest(grant_content(row)) for row in grants} | {str(row.form_digest) for row in applications}
    words |= {row.digest for row in agreements} | {digest(need_content(row)) for row in session.scalars(select(Need))}
    words |= {digest(answer_content(row)) for row in session.scalars(select(Answer))}
    words |= {digest(receipt_content(row)) for row in session.scalars(select(WrittenReceipt))}
    words |= {sha256_hex(row.text.encode()) for row in session.scalars(select(Statement))}
    words |= {sha256_hex(row.text.encode()) for row in session.scalars(select(Conclusion))}
    words |= {text_of(each.signature) for row in agreements for each in row.signatures}
    words |= {DIGEST, "c" * 64}
    words |= {text_of(row.signature) for row in session.scalars(select(Acknowledgement)) if row.signature}
    entries = session.execute(select(Evidence.kind, Evidence.body)).all()
    told = {(kind, word) for kind, body in entries for word in words if word in bytes(body).decode()}
    assert told == set()
    after = [json.loads(body)["data"]["after"] for kind, body in entries if kind == "grant.opened"]
    assert {"field": "ask_2", "operator": "EQUALS", "values": 1} in [each["row_condition"] for each in after]


def test_encrypted_parts_that_do_not_open_say_nothing_against_a_row(
    story: Case, registered: dict[str, Reconciler]
) -> None:
    configure("shuniu.test/log", base64.urlsafe_b64encode(bytes(32)).decode())
    assert named(story, registered) == {}


def test_digests_in_the_clear_of_entries_from_before_are_compared_as_they_were(
    story: Case, registered: dict[str, Reconciler]
) -> None:
    release = story.session.scalars(select(ReleaseRecord).where(ReleaseRecord.rows == 7)).one()
    before = {"state": "COMPLETED", "rows": 7, "bytes": 70, "digest": release.digest}
    append(story.session, "release.completed", f"release/{release.id}", story.asks, after=before)
    assert named(story, registered) == {}
    release.digest = "f" * 64
    assert {"release-content", "release-digest"} <= {*named(story, registered)}


def _living(case: Case) -> Grant:
    return case.session.scalars(select(Grant).where(Grant.state == "ACTIVE", Grant.quota_rows.is_not(None))).one()


def test_a_row_that_nothing_records_is_named(story: Case, registered: dict[str, Reconciler]) -> None:
    grant = story.session.scalars(select(Grant).where(Grant.state == "ACTIVE", Grant.requester_id.is_(None))).one()
    forged = Grant(
        number="SX-forged",
        resource_id=grant.resource_id,
        resource_version_id=grant.resource_version_id,
        requester_id=story.requester.id,
        provider_id=story.provider.id,
        application_id=story.received(["ask_2"]).id,
        items=["kept_5"],
        modes=["FILES"],
        purpose="x",
        valid_from=grant.valid_from,
    )
    story.session.add(forged)
    found = named(story, registered)
    assert [each.subject for each in found["grant"]] == [f"grant/{forged.id}"]
    assert story.session.scalar(select(Evidence.id).where(Evidence.subject == f"grant/{forged.id}")) is None
