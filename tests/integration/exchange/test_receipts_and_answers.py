"""Receipts, hand-overs, answers and their days, over the real database."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from adapters.errors import Conflict, InvalidInput
from exchange.applications.answer import ItemAnswer, answer
from exchange.applications.hand_over import record_hand_over
from exchange.applications.models import Decision
from exchange.applications.queries import counts, detail, overdue
from exchange.applications.receipt import register_receipt, settle_receipt
from exchange.disputes.conclude import conclude
from exchange.disputes.models import Outcome
from exchange.disputes.raise_dispute import raise_dispute
from exchange.grants.models import Grant
from tests.integration.exchange.conftest import BASIS, MONDAY, Case


def test_the_day_of_receipt_lies_between_the_form_and_today(case: Case) -> None:
    application = case.form()
    for day in (MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)):
        with pytest.raises(InvalidInput) as caught:
            register_receipt(case.session, case.answers, application.id, received_on=day, receiver="收发室")
        assert caught.value.code == "application.bad_day"
    assert application.state == "FORM_GENERATED"


def test_the_hand_over_starts_no_clock_and_the_office_settles_by_it(case: Case) -> None:
    application = case.form()
    with pytest.raises(Conflict):
        settle_receipt(case.session, case.office, application.id, received_on=MONDAY, reason="无据")
    record_hand_over(case.session, case.asks, application.id, handed_over_on=MONDAY, proof="邮政EMS1234567890")
    assert [application.state, application.due_on] == ["FORM_GENERATED", None]
    case.turn(date(2026, 9, 18))
    receipt = settle_receipt(case.session, case.office, application.id, received_on=MONDAY, reason="快递签收单")
    assert receipt.settled_by_office
    assert [application.state, application.due_on] == ["RECEIVED", date(2026, 9, 28)]
    settle_receipt(case.session, case.office, application.id, received_on=date(2026, 9, 18), reason="更正")
    assert application.due_on == date(2026, 10, 9)


def test_silence_decides_nothing_and_a_late_answer_counts_and_is_marked(case: Case) -> None:
    application = case.received()
    case.turn(date(2026, 9, 30))
    [row] = overdue(case.session, case.office).items
    assert (row.id, row.days_left, row.overdue, row.state) == (application.id, -2, True, "RECEIVED")
    assert counts(case.session, case.answers).overdue == 1
    given = case.answer(application, ["ask_2", "ask_3"])
    assert given.late
    assert application.state == "GRANTED"
    assert overdue(case.session, case.office).items == ()


def test_an_answer_on_the_last_day_is_in_time(case: Case) -> None:
    application = case.received()
    case.turn(date(2026, 9, 28))
    assert detail(case.session, case.asks, application.id).row.days_left == 0
    assert not case.answer(application, [], ["ask_2", "ask_3"]).late
    assert application.state == "REFUSED"


@pytest.mark.parametrize(
    ("basis", "pointer"),
    [
        (None, "/items/1/basis"),
        (BASIS | {"kind": "POLICY"}, "/items/1/basis/kind"),
        (BASIS | {"document": "敏感信息"}, "/items/1/basis/document"),
        (BASIS | {"article": ""}, "/items/1/basis/article"),
    ],
)
def test_a_refusal_names_law_regulation_or_rule(case: Case, basis: dict[str, str] | None, pointer: str) -> None:
    application = case.received()
    items = [ItemAnswer("ask_2", Decision.AGREED, "同意"), ItemAnswer("ask_3", Decision.REFUSED, "不宜", basis)]
    with pytest.raises(InvalidInput) as caught:
        answer(case.session, case.answers, application.id, reason="答复", items=items)
    assert [problem["pointer"] for problem in caught.value.problems] == [pointer]
    assert application.state == "RECEIVED"


def test_reasons_are_mandatory_both_ways(case: Case) -> None:
    application = case.received(["ask_2"])
    for reason, item_reason in (("", "同意"), ("答复", " ")):
        items = [ItemAnswer("ask_2", Decision.AGREED, item_reason)]
        with pytest.raises(InvalidInput):
            answer(case.session, case.answers, application.id, reason=reason, items=items)


def test_an_answer_decides_every_item_once(case: Case) -> None:
    application = case.received()
    for names in (["ask_2"], ["ask_2", "ask_3", "ask_4"], ["ask_2", "ask_2", "ask_3"]):
        with pytest.raises(InvalidInput) as caught:
            case.answer(application, names)
        assert caught.value.code == "answer.items"


def test_an_item_the_catalogue_no_longer_offers_cannot_be_agreed_to(case: Case) -> None:
    application = case.received(["ask_2"])
    case.version.state = "WITHDRAWN"
    case.session.flush()
    with pytest.raises(InvalidInput) as caught:
        case.answer(application, ["ask_2"])
    assert caught.value.problems[0]["code"] == "answer.not_offered"
    case.answer(application, [], ["ask_2"])
    assert application.state == "REFUSED"


def test_an_answer_after_the_term_opens_nothing(case: Case) -> None:
    application = case.received(term_to=date(2026, 9, 20))
    case.turn(date(2026, 9, 21))
    case.answer(application, ["ask_2", "ask_3"])
    assert application.state == "CLOSED"
    assert not case.session.scalars(select(Grant)).all()


def test_a_refused_item_that_rows_are_chosen_by_opens_no_grant(case: Case) -> None:
    condition = {"field": "ask_3", "operator": "EQUALS", "values": ["密"]}
    application = case.received(["ask_2", "ask_3"], row_condition=condition)
    case.answer(application, ["ask_2"], ["ask_3"])
    grants = select(Grant).where(Grant.application_id == application.id)
    assert case.session.scalars(grants).all() == []
    assert application.state == "REFUSED"
    dispute = raise_dispute(case.session, case.asks, application.id, text="确需")
    conclude(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="重新答复")
    case.answer(application, ["ask_3"])
    grant = case.session.scalars(grants).one()
    assert (grant.items, grant.row_condition, application.state) == (["ask_2", "ask_3"], condition, "GRANTED")


def test_a_refused_item_beside_a_condition_on_another_one_holds_nothing_up(case: Case) -> None:
    for field in ("ask_2", "open_1"):
        condition = {"field": field, "operator": "EQUALS", "values": ["1"]}
        application = case.received(["ask_2", "ask_3"], row_condition=condition)
        case.answer(application, ["ask_2"], ["ask_3"])
        grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
        assert (grant.items, application.state) == (["ask_2"], "GRANTED")


def test_the_item_that_rows_are_chosen_by_calls_for_an_agreement(case: Case) -> None:
    case.version.items[0].sensitivity = "PERSONAL_PRIVACY"
    application = case.received(["ask_2"], row_condition={"field": "open_1", "operator": "EQUALS", "values": ["1"]})
    case.answer(application, ["ask_2"])
    assert application.state == "AGREEMENT_PENDING"
