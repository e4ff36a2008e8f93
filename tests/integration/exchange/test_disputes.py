"""Disputes: objection, statements, conclusion, a new answer, escalation and the final ruling."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from adapters.errors import Conflict, InvalidInput, NotAllowed
from exchange.agreements.models import Agreement
from exchange.applications.models import Application
from exchange.disputes import queries
from exchange.disputes.ask import ask_department
from exchange.disputes.conclude import conclude
from exchange.disputes.escalate import escalate
from exchange.disputes.models import Dispute, Outcome
from exchange.disputes.raise_dispute import raise_dispute
from exchange.disputes.rule import rule
from exchange.disputes.state import state
from exchange.disputes.withdraw import withdraw
from exchange.grants.models import Grant
from exchange.grants.suspend import suspend
from tests import factories
from tests.integration.exchange.conftest import Case


def refused(case: Case, agreed: tuple[str, ...] = ()) -> Application:
    application = case.received(["ask_2", "ask_3"])
    case.answer(application, agreed, [name for name in ("ask_2", "ask_3") if name not in agreed])
    return application


def disputed(case: Case, agreed: tuple[str, ...] = ()) -> tuple[Application, Dispute]:
    application = refused(case, agreed)
    return application, raise_dispute(case.session, case.asks, application.id, text="征管确需")


def test_the_office_directs_a_new_answer_within_ten_working_days(case: Case) -> None:
    application, dispute = disputed(case)
    assert application.state == "IN_DISPUTE"
    assert [row.id for row in queries.open_disputes(case.session, case.office).items] == [dispute.id]
    state(case.session, case.answers, dispute.id, text="依法不宜提供")
    case.turn(date(2026, 9, 29))
    made = conclude(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="请重新答复")
    assert (made.new_answer_due_on, made.concluded_on) == (date(2026, 10, 19), date(2026, 9, 29))
    assert [application.state, application.due_on] == ["ANSWER_DIRECTED", date(2026, 10, 19)]
    given = case.answer(application, ["ask_2"], ["ask_3"])
    assert (given.round, given.late, application.state) == (2, False, "GRANTED")
    assert case.session.scalars(select(Grant)).one().items == ["ask_2"]
    again = raise_dispute(case.session, case.asks, application.id, text="对第二次答复仍有异议")
    assert again.answer_round == 2


def test_what_was_agreed_goes_on_and_a_new_answer_widens_the_grant(case: Case) -> None:
    application, dispute = disputed(case, ("ask_2",))
    first = case.session.scalars(select(Grant)).one()
    assert first.state == "ACTIVE"
    first.used_rows = 7
    conclude(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="请重新答复")
    with pytest.raises(InvalidInput):
        case.answer(application, ["ask_2", "ask_3"])
    suspend(case.session, case.answers, first.id, reason="核查中")
    case.answer(application, ["ask_3"])
    wider = case.session.scalars(select(Grant).where(Grant.state != "ENDED")).one()
    assert (first.state, wider.items, wider.used_rows) == ("ENDED", ["ask_2", "ask_3"], 7)
    assert (wider.state, wider.suspended_by) == ("SUSPENDED", "PROVIDER")
    assert application.state == "GRANTED"


def test_a_wider_agreement_takes_the_place_of_the_one_in_force(case: Case) -> None:
    application = case.received(["ask_3", "ask_4"])
    case.answer(application, ["ask_4"], ["ask_3"])
    case.sign_both(case.session.scalars(select(Agreement)).one())
    dispute = raise_dispute(case.session, case.asks, application.id, text="第三项亦需")
    conclude(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="请重新答复")
    case.answer(application, ["ask_3"])
    assert application.state == "AGREEMENT_PENDING"
    assert case.session.scalars(select(Grant).where(Grant.state == "ACTIVE")).one().items == ["ask_4"]
    wider = case.session.scalars(select(Agreement).where(Agreement.state == "PROPOSED")).one()
    case.sign_both(wider)
    agreements = case.session.scalars(select(Agreement).order_by(Agreement.number)).all()
    assert [each.state for each in agreements] == ["TERMINATED", "IN_FORCE"]
    living = case.session.scalars(select(Grant).where(Grant.state == "ACTIVE")).one()
    assert (living.items, living.agreement_id) == (["ask_3", "ask_4"], wider.id)
    assert application.state == "GRANTED"


def test_the_refusal_may_stand_and_then_nothing_more_is_open(case: Case) -> None:
    application, dispute = disputed(case)
    conclude(case.session, case.office, dispute.id, outcome=Outcome.REFUSAL_STANDS, text="答复依据充分")
    assert [application.state, dispute.state] == ["REFUSED", "CONCLUDED"]
    with pytest.raises(Conflict) as caught:
        raise_dispute(case.session, case.asks, application.id, text="再次异议")
    assert caught.value.code == "dispute.once_per_answer"
    for step in (
        lambda: conclude(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="改判"),
        lambda: state(case.session, case.asks, dispute.id, text="补充"),
        lambda: escalate(case.session, case.office, dispute.id, text="提请"),
    ):
        with pytest.raises(Conflict):
            step()


def test_only_an_answer_that_refuses_can_be_objected_to(case: Case) -> None:
    with pytest.raises(Conflict) as caught:
        raise_dispute(case.session, case.asks, case.granted(["ask_2"]).id, text="异议")
    assert caught.value.code == "dispute.nothing_refused"
    with pytest.raises(Conflict) as caught:
        raise_dispute(case.session, case.asks, case.received(["ask_2"]).id, text="尚未答复")
    assert caught.value.code == "application.wrong_state"


def test_a_ruling_to_share_leaves_the_provider_only_agreement(case: Case) -> None:
    application, dispute = disputed(case)
    with pytest.raises(Conflict):
        rule(case.session, case.office, dispute.id, outcome=Outcome.RULED_TO_SHARE, text="共享", document="决定1号")
    escalate(case.session, case.office, dispute.id, text="提请领导小组决定")
    with pytest.raises(Conflict):
        conclude(case.session, case.office, dispute.id, outcome=Outcome.REFUSAL_STANDS, text="越过")
    with pytest.raises(InvalidInput):
        rule(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="再答", document="决定1号")
    made = rule(case.session, case.office, dispute.id, outcome=Outcome.RULED_TO_SHARE, text="共享", document="决定1号")
    assert made.is_ruling
    assert [dispute.state, application.state] == ["RULED", "ANSWER_DIRECTED"]
    with pytest.raises(InvalidInput) as caught:
        case.answer(application, ["ask_2"], ["ask_3"])
    assert [problem["code"] for problem in caught.value.problems] == ["answer.ruled_to_share"]
    case.answer(application, ["ask_2", "ask_3"])
    assert application.state == "GRANTED"


def test_a_ruling_that_the_refusal_stands_is_final(case: Case) -> None:
    application, dispute = disputed(case)
    escalate(case.session, case.office, dispute.id, text="提请")
    rule(case.session, case.office, dispute.id, outcome=Outcome.REFUSAL_STANDS, text="维持", document="决定2号")
    assert application.state == "REFUSED"
    with pytest.raises(Conflict):
        raise_dispute(case.session, case.asks, application.id, text="再次")


def test_departments_speak_when_they_are_asked(case: Case) -> None:
    _, dispute = disputed(case)
    department = factories.agency(case.session, "市司法局")
    speaks = factories.official(case.session, department, "ANSWERER")
    with pytest.raises(NotAllowed):
        state(case.session, speaks, dispute.id, text="我局意见")
    with pytest.raises(NotAllowed):
        queries.detail(case.session, speaks, dispute.id)
    with pytest.raises(InvalidInput):
        ask_department(case.session, case.office, dispute.id, agency_id=case.provider.id, question="?")
    ask_department(case.session, case.office, dispute.id, agency_id=department.id, question="该规定是否适用")
    assert queries.detail(case.session, speaks, dispute.id) is dispute
    assert [row.id for row in queries.mine(case.session, speaks).items] == [dispute.id]
    state(case.session, speaks, dispute.id, text="适用")
    assert [each.text for each in dispute.statements] == ["征管确需", "该规定是否适用", "适用"]


def test_the_office_decides_and_nobody_else_and_not_its_own_case(case: Case) -> None:
    _, dispute = disputed(case)
    own = replace(case.office, agency_id=case.requester.id)
    for stranger in (case.asks, case.answers, own):
        with pytest.raises(NotAllowed) as caught:
            conclude(case.session, stranger, dispute.id, outcome=Outcome.REFUSAL_STANDS, text="维持")
        assert caught.value.refusal is not None
        assert caught.value.refusal.kind == "dispute.concluded"
    with pytest.raises(NotAllowed):
        queries.open_disputes(case.session, case.asks)


def test_a_conclusion_directs_an_answer_or_lets_the_refusal_stand(case: Case) -> None:
    _, dispute = disputed(case)
    with pytest.raises(InvalidInput) as caught:
        conclude(case.session, case.office, dispute.id, outcome=Outcome.RULED_TO_SHARE, text="共享")
    assert caught.value.code == "dispute.outcome"


def test_the_requester_may_withdraw_its_objection(case: Case) -> None:
    application, dispute = disputed(case, ("ask_2",))
    withdraw(case.session, case.asks, dispute.id, reason="已自行协商")
    assert [dispute.state, application.state] == ["WITHDRAWN", "GRANTED"]
