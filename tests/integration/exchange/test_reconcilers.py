"""The exchange's tables beside the evidence log: a whole story agrees, and every change behind its back is named."""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select, update

from audit.models import Evidence
from audit.reconcile import Discrepancy, Reconciler
from exchange import reconcilers
from exchange.agreements.models import Agreement
from exchange.applications.models import Answer, AnswerItem, Application
from exchange.applications.withdraw import withdraw
from exchange.disputes.conclude import conclude
from exchange.disputes.models import Dispute, Outcome
from exchange.disputes.raise_dispute import raise_dispute
from exchange.grants.models import Grant
from exchange.grants.resume import resume
from exchange.grants.suspend import suspend
from exchange.hooks import on_published
from exchange.needs.models import Need
from exchange.needs.raise_need import raise_need
from tests.integration.exchange.conftest import Case


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
    """One of everything: standing grant, refusal with dispute, agreement, suspension, withdrawal, need."""
    on_published(case.session, case.answers, case.version)
    application = case.received(["ask_2", "ask_4"])
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
    raise_need(
        case.session,
        case.asks,
        provider_id=case.provider.id,
        resource_id=case.version.resource_id,
        description="实际控制人",
        purpose="核查",
        duty="法",
    )
    return case


def test_a_whole_story_agrees_with_the_log(story: Case, registered: dict[str, Reconciler]) -> None:
    assert named(story, registered) == {}


@pytest.mark.parametrize(
    ("behind", "names"),
    [
        (update(Application).where(Application.form_digest.is_not(None)).values(form={"items": []}), "form-content"),
        (update(AnswerItem).values(reason="另有原因"), "answer-content"),
        (update(Answer).values(late=True), "answer-content"),
        (update(Agreement).values(document={"items": []}), "agreement-content"),
        (update(Grant).where(Grant.state == "ACTIVE").values(items=["kept_5"]), "grant-content"),
        (update(Grant).where(Grant.state == "ACTIVE").values(modes=["BROWSE"]), "grant-content"),
        (
            update(Grant).where(Grant.requester_id.is_(None)).values(state="SUSPENDED", suspended_by="HUB"),
            "grant-state",
        ),
        (update(Dispute).values(state="WITHDRAWN"), "dispute-state"),
        (delete(Need), "need-entries"),
    ],
)
def test_a_change_behind_the_logs_back_is_named(
    story: Case, registered: dict[str, Reconciler], behind: object, names: str
) -> None:
    story.session.execute(behind)  # type: ignore[call-overload]  # a statement, whichever
    assert names in named(story, registered)


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
