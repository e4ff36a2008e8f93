"""The exchange's tables beside the log where cases end otherwise: every state agrees, and further changes are named."""

import base64
from datetime import timedelta

import pytest
from sqlalchemy import Executable, delete, insert, select, text, update

from adapters.clock import system_now
from audit.actor import HUB
from audit.append import configure
from audit.reconcile import Reconciler
from directory.calendars.models import HolidayCalendar
from exchange import release as door
from exchange.agreements.models import Agreement, AgreementSignature
from exchange.agreements.sign import signing_bytes
from exchange.applications.deadlines import recompute_deadlines
from exchange.applications.models import Application, ApplicationItem, HandOver
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.models import Acknowledgement, Delivery
from exchange.deliveries.progress import mark_failed, revoke
from exchange.disputes.ask import ask_department
from exchange.disputes.conclude import conclude
from exchange.disputes.escalate import escalate
from exchange.disputes.models import Conclusion, Dispute, Outcome, Statement
from exchange.disputes.raise_dispute import raise_dispute
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.suspend import suspend
from exchange.needs.models import Need
from exchange.needs.raise_need import raise_need
from exchange.needs.withdraw import withdraw as withdraw_need
from schemas.words import Mode
from tests import factories
from tests.integration.exchange.conftest import MONDAY, Case
from tests.integration.exchange.test_deliveries import DIGEST
from tests.integration.exchange.test_deliveries import asked as asked_for
from tests.integration.exchange.test_reconcilers import _ANOTHER_PERSON, _LONG_AGO, _PROVIDER, named, registered, story

__all__ = ["registered", "story"]


@pytest.fixture
def ends(story: Case) -> Case:
    """The story and, of what it has not, the states in which cases, disputes, grants, deliveries and needs may end."""
    _cases(story)
    _grants_and_deliveries(story)
    for withdrawn in (False, True):
        need = raise_need(
            story.session,
            story.asks,
            provider_id=story.provider.id,
            resource_id=story.version.resource_id,
            description="实际控制人",
            purpose="核查",
            duty="法",
        )
        if withdrawn:
            withdraw_need(story.session, story.asks, need.id, reason="不再需要")
    return story


def _cases(case: Case) -> None:
    session = case.session
    case.draft(["ask_2"])
    case.form(["ask_2"])
    case.answer(case.received(["ask_4"]), ["ask_4"])  # the agreement stays proposed
    dated = case.received(["ask_2"])
    span = {"from": f"{MONDAY + timedelta(1)}", "to": f"{MONDAY + timedelta(3)}"}
    days = {"title": "2026", "holidays": [span], "makeup_days": []}
    session.add(HolidayCalendar(year=2026, revision=99, document="2号", verified=True, days=days))
    due_on = dated.due_on
    recompute_deadlines(session, HUB)
    assert dated.due_on != due_on
    for end in ("open", "asked", "escalated", "stands", "anew"):
        refused = case.received(["ask_3"])
        case.answer(refused, [], ["ask_3"])
        dispute = raise_dispute(session, case.asks, refused.id, text="确需")
        if end == "asked":
            other = factories.agency(session, "市发展改革委")
            ask_department(session, case.office, dispute.id, agency_id=other.id, question="是否依法")
        if end == "escalated":
            escalate(session, case.office, dispute.id, text="提请决定")
        if end in ("stands", "anew"):
            outcome = Outcome.REFUSAL_STANDS if end == "stands" else Outcome.ANSWER_ANEW
            conclude(session, case.office, dispute.id, outcome=outcome, text="经研究")


def _grants_and_deliveries(case: Case) -> None:
    session = case.session
    application = case.granted(["ask_2"])
    unlimited = session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    request = door.ReleaseRequest(case.asks, Mode.FILES, unlimited.purpose, "办件-2")
    door.complete(session, door.authorise(session, unlimited.id, request), rows=4, size=40, digest=DIGEST)
    fetched = asked_for(case, unlimited)
    fetched.state, fetched.sha256 = "DELIVERED", DIGEST
    mark_failed(session, asked_for(case, unlimited).id, problem="源不可达")
    taken_back = asked_for(case, unlimited)
    taken_back.state, taken_back.sha256 = "PREPARED", DIGEST
    revoke(session, case.answers, taken_back.id, reason="另案处理")
    asked_for(case, unlimited)
    acknowledge(session, case.asks, fetched.id, accepted=True, sha256=DIGEST)
    suspend(session, case.answers, unlimited.id, reason="核查")


def test_every_end_agrees_with_the_log(ends: Case, registered: dict[str, Reconciler]) -> None:
    assert named(ends, registered) == {}


def _more(table: str, condition: str, changed: str) -> Executable:
    """A row more, like another one but for some columns."""
    columns = f"jsonb_build_object({changed})"
    return text(
        f"INSERT INTO {table} SELECT (jsonb_populate_record({table}, {columns})).* FROM {table} WHERE {condition}"
    )


_FORMED = Application.form_digest.is_not(None)
_DISPUTE = "'id', gen_random_uuid()"
CHANGES: list[tuple[Executable, str]] = [
    (text("UPDATE application SET number = number || 'x' WHERE received_on IS NOT NULL"), "application-case"),
    (text("UPDATE application SET state = 'RECEIVED' WHERE state = 'FORM_GENERATED'"), "application-case"),
    (text("UPDATE application SET state = 'FORM_GENERATED' WHERE state = 'DRAFT'"), "application-case"),
    (text("UPDATE application SET state = 'REFUSED' WHERE state = 'IN_DISPUTE'"), "application-case"),
    (text("UPDATE application SET state = 'REFUSED' WHERE state = 'ANSWER_DIRECTED'"), "application-case"),
    (text("UPDATE application SET state = 'GRANTED' WHERE state = 'AGREEMENT_PENDING'"), "application-case"),
    (text("UPDATE application SET form = form || '{\"extra\": 1}'"), "form-content"),
    (update(Application).where(_FORMED).values(form_digest="f" * 64), "form-content"),
    (text("UPDATE application SET number = number || 'x' WHERE form IS NOT NULL"), "form-content"),
    (update(Application).where(_FORMED).values(scope="另一处"), "form-content"),
    (update(Application).where(_FORMED).values(duty="另一法"), "form-content"),
    (update(Application).where(_FORMED).values(modes=["BROWSE"]), "form-content"),
    (update(Application).where(_FORMED).values(quota_rows=9_999), "form-content"),
    (update(Application).where(_FORMED).values(term_to=MONDAY), "form-content"),
    (delete(ApplicationItem), "form-content"),
    (update(Application).values(created_at=_LONG_AGO), "application-deeds"),
    (_more("hand_over", "true", "'id', gen_random_uuid(), 'handed_over_on', '2020-01-01'"), "hand-over-content"),
    (update(HandOver).values(handed_over_on=MONDAY - timedelta(30)), "hand-over-content"),
    (update(Agreement).values(number=Agreement.number + "x"), "agreement-content"),
    (update(Agreement).values(created_at=_LONG_AGO), "agreement-deeds"),
    (update(Agreement).where(Agreement.in_force_at.is_not(None)).values(in_force_at=_LONG_AGO), "agreement-deeds"),
    (update(Agreement).where(Agreement.state == "PROPOSED").values(state="TERMINATED"), "agreement-state"),
    (update(Dispute).values(number=Dispute.number + "x"), "dispute-content"),
    (update(Dispute).values(answer_round=9), "dispute-content"),
    (update(Dispute).where(Dispute.state == "OPEN").values(state="ESCALATED"), "dispute-state"),
    (update(Dispute).where(Dispute.state == "ESCALATED").values(state="OPEN"), "dispute-state"),
    (_more("statement", "true", _DISPUTE), "statement-content"),
    (update(Statement).where(Statement.asked_id.is_not(None)).values(asked_id=_PROVIDER), "statement-content"),
    (update(Statement).where(Statement.asked_id.is_(None)).values(asked_id=_PROVIDER), "statement-content"),
    (update(Statement).where(Statement.asked_id.is_not(None)).values(text="另一问"), "statement-content"),
    (update(Statement).where(Statement.asked_id.is_not(None)).values(stated_at=_LONG_AGO), "statement-deeds"),
    (_more("conclusion", "true", _DISPUTE + ", 'number', number || 'x'"), "conclusion-content"),
    (update(Conclusion).values(is_ruling=~Conclusion.is_ruling), "conclusion-content"),
    (update(Conclusion).values(concluded_on=MONDAY - timedelta(30)), "conclusion-content"),
    (update(Grant).values(number=Grant.number + "x"), "grant-content"),
    (update(Grant).values(created_at=_LONG_AGO), "grant-deeds"),
    (update(Grant).where(Grant.state == "SUSPENDED").values(suspended_by="HUB"), "grant-held"),
    (update(Grant).where(Grant.state == "SUSPENDED").values(state_reason="x"), "grant-held"),
    (update(Grant).where(Grant.state == "ACTIVE").values(state_reason="x"), "grant-held"),
    (
        update(Grant).where(Grant.state == "SUSPENDED").values(state="ACTIVE", suspended_by="NOBODY"),
        "grant-state",
    ),
    (update(Grant).where(Grant.quota_rows.is_(None)).values(used_rows=4), "grant-used"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "AUTHORISED").values(state="UNKNOWN"), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "ABORTED").values(state="UNKNOWN"), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "UNKNOWN").values(state="ABORTED"), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "AUTHORISED").values(rows=1), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "AUTHORISED").values(bytes=1), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.state == "AUTHORISED").values(digest="x"), "release-content"),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 4).values(rows_reserved=1), "release-content"),
    (update(ReleaseRecord).values(mode="BROWSE"), "release-content"),
    (update(ReleaseRecord).values(bytes=1), "release-content"),
    (
        update(ReleaseRecord).where(ReleaseRecord.state == "AUTHORISED").values(authorised_at=_LONG_AGO),
        "release-content",
    ),
    (update(ReleaseRecord).where(ReleaseRecord.rows == 5).values(authorised_at=_LONG_AGO), "release-content"),
    (
        update(ReleaseRecord).where(ReleaseRecord.state == "AUTHORISED").values(closed_at=system_now()),
        "release-content",
    ),
    (update(Delivery).values(number=Delivery.number + "x"), "delivery-content"),
    (update(Delivery).values(mode="BROWSE"), "delivery-content"),
    (update(Delivery).values(format="PARQUET"), "delivery-content"),
    (update(Delivery).values(bytes=Delivery.bytes + 1), "delivery-content"),
    (update(Delivery).where(Delivery.state == "REQUESTED").values(rows=1), "delivery-content"),
    (update(Delivery).where(Delivery.state == "REQUESTED").values(bytes=1), "delivery-content"),
    (update(Delivery).where(Delivery.state == "FAILED").values(state="REQUESTED"), "delivery-content"),
    (update(Delivery).where(Delivery.state == "REVOKED").values(state="PREPARED"), "delivery-content"),
    (update(Delivery).where(Delivery.prepared_at.is_not(None)).values(release_id=None), "delivery-prepared"),
    (update(Delivery).values(requested_client="x"), "delivery-content"),
    (
        insert(Acknowledgement).from_select(
            ["delivery_id", "sha256", "accepted", "acknowledged_at"],
            select(Delivery.id, Delivery.sha256, Delivery.id.is_(None), Delivery.requested_at).where(
                Delivery.state == "REQUESTED"
            ),
        ),
        "receipt-of-delivery",
    ),
    (update(Acknowledgement).where(Acknowledgement.accepted.is_(False)).values(accepted=True), "receipt-of-delivery"),
    (
        update(Acknowledgement).where(Acknowledgement.accepted.is_(False)).values(receipt={"a": 1}),
        "receipt-of-delivery",
    ),
    (update(Acknowledgement).where(Acknowledgement.receipt.is_not(None)).values(key_id=None), "receipt-of-delivery"),
    (update(Acknowledgement).where(Acknowledgement.receipt.is_not(None)).values(signature=None), "receipt-of-delivery"),
    (
        update(Acknowledgement).where(Acknowledgement.accepted.is_(False)).values(signature=b"0" * 64),
        "receipt-of-delivery",
    ),
    (update(Need).values(number=Need.number + "x"), "need-content"),
    (update(Need).where(Need.state == "RAISED").values(state="ACCEPTED"), "need-content"),
    (update(Need).where(Need.state == "WITHDRAWN").values(state="RAISED"), "need-content"),
    (update(Need).where(Need.state == "RAISED").values(answer_basis={"kind": "LAW"}), "need-content"),
    (update(Need).where(Need.state == "ACCEPTED").values(answered_at=_LONG_AGO), "need-deeds"),
    (
        update(Need).values(raised_by=_ANOTHER_PERSON),
        "need-deeds",
    ),
]
"""What somebody with the database's password changes, and the reconciler that names it."""


def test_each_further_change_is_named(ends: Case, registered: dict[str, Reconciler]) -> None:
    missed = []
    for behind, name in CHANGES:
        ends.session.flush()
        with ends.session.begin_nested() as changed:
            ends.session.execute(behind)
            ends.session.expire_all()
            if not list(registered[name](ends.session)):
                missed.append((name, str(behind)))
            changed.rollback()
        ends.session.expire_all()
    assert missed == []


def test_what_the_clear_part_says_and_signatures_are_compared_where_the_encrypted_part_does_not_open(
    ends: Case, registered: dict[str, Reconciler]
) -> None:
    configure("shuniu.test/log", base64.urlsafe_b64encode(bytes(32)).decode())
    for behind, name in (
        (update(Grant).where(Grant.row_condition != {}).values(row_condition={}), "grant-content"),
        (update(AgreementSignature).values(signature=b"0" * 64), "agreement-signatures"),
    ):
        with ends.session.begin_nested() as changed:
            ends.session.execute(behind)
            ends.session.expire_all()
            assert list(registered[name](ends.session))
            changed.rollback()
        ends.session.expire_all()


def test_a_right_signature_that_no_entry_records_is_named(ends: Case, registered: dict[str, Reconciler]) -> None:
    """Whoever has another key of the agency registered signs the same text again: it verifies, and is another."""
    given = ends.session.scalars(
        select(AgreementSignature).where(AgreementSignature.agency_id == ends.requester.id).limit(1)
    ).one()
    key, private = factories.signing_key(ends.session, ends.requester)
    given.key_id, given.signature = key.id, private.sign(signing_bytes(given.agreement))
    assert set(named(ends, registered)) == {"agreement-signatures"}


def test_a_receipt_whose_signature_never_verified_is_named(ends: Case, registered: dict[str, Reconciler]) -> None:
    """A receipt that says what its entry says, of a key whose text was changed: the signature is not that key's."""
    row = ends.session.scalars(select(Acknowledgement).where(Acknowledgement.receipt.is_not(None))).one()
    ends.session.execute(
        text("UPDATE agency_key SET public_key = :other WHERE id = :id"),
        {"other": base64.b64encode(bytes(32)).decode(), "id": row.key_id},
    )
    found = named(ends, registered)
    assert [each.sentence for each in found["receipt-of-delivery"]] == [
        f"The signature of the receipt of delivery/{row.delivery_id} does not verify."
    ]
