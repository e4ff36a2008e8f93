"""Applications from draft to answer, over the real database."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from audit.actor import Actor
from directory.agencies.models import Office
from directory.calendars import add
from directory.calendars.models import HolidayCalendar
from exchange.applications.answer import ItemAnswer, answer
from exchange.applications.deadlines import recompute_deadlines
from exchange.applications.draft import amend, draft
from exchange.applications.generate_form import generate_form
from exchange.applications.models import Application, Decision
from exchange.applications.queries import counts, detail, mine, overdue, to_provider
from exchange.applications.receipt import register_receipt, settle_receipt
from exchange.applications.steps import Step
from exchange.applications.withdraw import withdraw
from exchange.grants.models import Grant
from exchange.hooks import on_calendar_added
from schemas.canonical import digest
from tests import factories
from tests.integration.exchange.conftest import MONDAY, Case


def test_from_draft_to_grant(case: Case) -> None:
    application = case.form()
    assert application.number == f"{case.requester.short_code}-SQ-2026-0001"
    assert [application.received_on, application.due_on] == [None, None]
    case.turn(date(2026, 9, 15))
    register_receipt(case.session, case.answers, application.id, received_on=MONDAY, receiver="收发室")
    assert [application.received_on, application.due_on] == [MONDAY, date(2026, 9, 28)]
    given = case.answer(application, ["ask_2"], ["ask_3"])
    assert (application.state, given.late, given.round) == ("GRANTED", False, 1)
    [grant] = detail(case.session, case.asks, application.id).grants
    assert (grant.items, grant.valid_from, grant.valid_to) == (["ask_2"], date(2026, 9, 15), application.term_to)
    assert grant.purpose == application.purpose
    assert case.kinds(f"application/{application.id}") == [
        "application.drafted",
        "application.form_generated",
        "application.received",
        "application.answered",
        "grant.opened",
    ]


@pytest.mark.parametrize(
    ("items", "code"),
    [
        (["ask_2", "kept_5"], "application.not_shareable"),
        (["ask_2", "open_1"], "application.universal"),
        (["ask_2", "no_such"], "application.unknown_item"),
        ([], "application.no_items"),
    ],
)
def test_only_on_request_items_can_be_applied_for(case: Case, items: list[str], code: str) -> None:
    with pytest.raises((NotAllowed, InvalidInput)) as caught:
        case.draft(items)
    assert caught.value.code == code
    refusal = caught.value.refusal
    assert refusal is not None
    assert (refusal.kind, refusal.subject) == ("application.drafted", f"resource_version/{case.version.id}")


def test_a_kept_item_is_turned_away_with_the_way_to_a_need(case: Case) -> None:
    with pytest.raises(NotAllowed, match="raise a Need"):
        case.draft(["kept_5"])


@pytest.mark.parametrize("where", ["resource", "item"])
def test_state_secrets_cannot_be_applied_for(case: Case, where: str) -> None:
    if where == "resource":
        case.version.secrecy_level = "STATE_SECRET"
    else:
        case.version.items[1].sensitivity = "STATE_SECRET"
    case.session.flush()
    with pytest.raises(NotAllowed) as caught:
        case.draft(["ask_2"])
    assert caught.value.code == "application.state_secret"


def test_own_data_needs_no_application(case: Case) -> None:
    own = factories.official(case.session, case.provider, "REQUESTER")
    with pytest.raises(NotAllowed) as caught:
        draft(
            case.session,
            own,
            version_id=case.version.id,
            items=["ask_2"],
            scope="科",
            purpose="用",
            duty="法",
            modes=["FILES"],
            term_to=date(2027, 1, 1),
        )
    assert caught.value.code == "permission.own_data"
    assert caught.value.refusal is not None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"scope": "  "}, "/scope"),
        ({"purpose": ""}, "/purpose"),
        ({"duty": ""}, "/duty"),
        ({"purpose": "零\x00字"}, "/purpose"),
        ({"modes": []}, "/modes"),
        ({"modes": ["FILES", "FILES"]}, "/modes"),
        ({"modes": ["CARRIER_PIGEON"]}, "/modes"),
        ({"term_to": MONDAY}, "/term_to"),
        ({"quota_rows": 0}, "/quota_rows"),
        ({"row_condition": {"field": "ask_2"}}, "/row_condition"),
        ({"row_condition": {"field": "kept_5", "operator": "EQUALS", "values": ["1"]}}, "/row_condition/field"),
        ({"row_condition": {"field": "ask_4", "operator": "EQUALS", "values": ["1"]}}, "/row_condition/field"),
        ({"row_condition": {"field": "ask_2", "operator": "IN", "values": []}}, "/row_condition/values"),
        ({"row_condition": {"field": "ask_2", "operator": "EQUALS", "values": ["1", "2"]}}, "/row_condition/values"),
    ],
)
def test_statements_that_are_missing_or_cannot_be_are_named(case: Case, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        case.draft(**changes)
    assert [problem["pointer"] for problem in caught.value.problems] == [pointer]
    assert not case.session.scalars(select(Application)).all()


def test_rows_are_chosen_by_no_masked_item(case: Case) -> None:
    condition = {"field": "ask_2", "operator": "PREFIX", "values": ["1"]}
    assert case.draft(row_condition=condition).row_condition == condition
    assert case.draft(row_condition=condition | {"field": "open_1"}).row_condition["field"] == "open_1"
    case.version.items[1].masking = "KEEP_LAST_4"
    with pytest.raises(InvalidInput) as caught:
        case.draft(row_condition=condition)
    assert [problem["pointer"] for problem in caught.value.problems] == ["/row_condition/field"]


def test_only_the_published_version_can_be_applied_for(case: Case) -> None:
    case.version.state = "SUPERSEDED"
    case.session.flush()
    with pytest.raises(Conflict) as caught:
        case.draft()
    assert caught.value.code == "application.not_published"


def test_a_draft_on_a_version_that_was_replaced_gets_no_form(case: Case) -> None:
    application = case.draft()
    case.version.state = "SUPERSEDED"
    case.session.flush()
    with pytest.raises(Conflict):
        generate_form(case.session, case.asks, application.id)


def test_the_form_is_frozen_and_its_digest_is_of_what_is_printed(case: Case) -> None:
    application = case.form()
    assert application.form is not None
    assert application.form_digest == digest(application.form)
    assert [item["field_name"] for item in application.form["items"]] == ["ask_2", "ask_3"]
    assert application.form["requester"] == {"name": "市税务局", "code": case.requester.credit_code}
    with pytest.raises(Conflict) as caught:
        amend(
            case.session,
            case.asks,
            application.id,
            items=["ask_2"],
            scope="别处",
            purpose="别用",
            duty="别法",
            modes=["FILES"],
            term_to=application.term_to,
        )
    assert caught.value.code == "application.frozen"


def test_a_draft_can_be_amended_but_not_from_a_stale_form(case: Case) -> None:
    application = case.draft()
    seen = application.lock_version
    values: dict[str, Any] = {
        "items": ["ask_3", "ask_4"],
        "scope": "稽查局",
        "purpose": "稽查",
        "duty": "税收征收管理法",
        "modes": ["FILES"],
        "term_to": application.term_to,
    }
    amend(case.session, case.asks, application.id, **values, expected=seen)
    assert sorted(each.data_item.field_name for each in application.items) == ["ask_3", "ask_4"]
    with pytest.raises(Conflict) as caught:
        amend(case.session, case.asks, application.id, **values, expected=seen)
    assert caught.value.code == "application.stale"


def test_other_people_are_refused_and_evidence_says_what(case: Case) -> None:
    application = case.received()
    regulator_office = factories.agency(case.session, "市经济信息化委", Office.REGULATOR)
    regulator = factories.official(case.session, regulator_office, "REGULATOR", "ANSWERER")
    no_role = factories.official(case.session, case.provider, "COMPILER")
    third = factories.official(case.session, factories.agency(case.session), "ANSWERER", "REQUESTER")
    items = [ItemAnswer("ask_2", Decision.AGREED, "同意"), ItemAnswer("ask_3", Decision.AGREED, "同意")]
    subject = f"application/{application.id}"
    for stranger in (regulator, no_role, third, case.asks, factories.client(case.session, case.provider)):
        with pytest.raises(NotAllowed) as caught:
            answer(case.session, stranger, application.id, reason="答复", items=items)
        refusal = caught.value.refusal
        assert refusal is not None
        assert (refusal.kind, refusal.subject, refusal.matter) == ("application.answered", subject, subject)
    with pytest.raises(NotAllowed):
        withdraw(case.session, case.answers, application.id, reason="替你撤回")
    with pytest.raises(NotAllowed):
        detail(case.session, third, application.id)
    with pytest.raises(NotAllowed):
        overdue(case.session, case.answers)


def test_the_office_does_not_settle_its_own_case(case: Case) -> None:
    application = case.received()
    own = replace(case.office, agency_id=case.requester.id, agency_code=case.requester.credit_code)
    with pytest.raises(NotAllowed):
        settle_receipt(case.session, own, application.id, received_on=MONDAY, reason="自裁")


def test_nobody_sees_another_agencys_draft(case: Case) -> None:
    application = case.draft()
    with pytest.raises(NotFound):
        detail(case.session, case.answers, application.id)
    assert to_provider(case.session, case.answers).items == ()
    assert [row.id for row in mine(case.session, case.asks).items] == [application.id]


@pytest.mark.parametrize("stage", ["draft", "form", "received", "granted"])
def test_withdrawing_ends_what_lives(case: Case, stage: str) -> None:
    application: Application = getattr(case, stage)()
    withdraw(case.session, case.asks, application.id, reason="不再需要")
    assert application.state == "CLOSED"
    assert {grant.state for grant in case.session.scalars(select(Grant))} <= {"ENDED"}
    with pytest.raises(Conflict):
        withdraw(case.session, case.asks, application.id, reason="再撤")


def test_lists_are_paged_and_the_waiting_ones_come_by_their_due_day(case: Case) -> None:
    later = case.received()
    case.turn(date(2026, 9, 15))
    latest = case.received()
    case.draft()
    first = to_provider(case.session, case.answers, waiting=True, limit=1)
    assert [row.id for row in first.items] == [later.id]
    second = to_provider(case.session, case.answers, waiting=True, limit=1, cursor=first.next_cursor)
    assert [row.id for row in second.items] == [latest.id]
    assert second.next_cursor is None
    assert dict(counts(case.session, case.asks).mine) == {"RECEIVED": 2, "DRAFT": 1}


def test_steps_are_those_that_succeed(case: Case) -> None:
    application = case.form()

    def steps(actor: Actor) -> set[Step]:
        return set(detail(case.session, actor, application.id).steps)

    assert steps(case.asks) == {Step.RECORD_HAND_OVER, Step.WITHDRAW}
    assert steps(case.answers) == {Step.REGISTER_RECEIPT}
    assert steps(case.office) == set()
    register_receipt(case.session, case.answers, application.id, received_on=MONDAY, receiver="收发室")
    assert steps(case.answers) == {Step.ANSWER}
    assert steps(case.office) == {Step.SETTLE_RECEIPT}
    case.answer(application, ["ask_2"], ["ask_3"])
    assert steps(case.asks) == {Step.RAISE_DISPUTE, Step.WITHDRAW, Step.REQUEST_DELIVERY, Step.END_GRANT}
    assert steps(case.answers) == {Step.SUSPEND_GRANT, Step.END_GRANT}


def test_a_deadline_into_an_unannounced_year_is_provisional_until_the_notice_comes(case: Case) -> None:
    case.turn(date(2026, 12, 28))
    application = case.received()
    assert application.due_provisional
    assert application.due_on == date(2027, 1, 11)
    holidays = [{"from": "2027-01-01", "to": "2027-01-05"}]
    days = {"title": "2027年", "holidays": holidays, "makeup_days": ["2027-01-09"]}
    notice = HolidayCalendar(year=2027, revision=1, document="国办发明电〔2026〕9号", verified=True, days=days)
    case.session.add(notice)
    case.session.flush()
    assert recompute_deadlines(case.session, case.office) == 1
    assert (application.due_on, application.due_provisional) == (date(2027, 1, 13), False)
    assert len(application.calendar_versions) == 2
    assert recompute_deadlines(case.session, case.office) == 0
    assert case.kinds(f"application/{application.id}").count("application.deadline_recomputed") == 1


def test_of_two_answers_at_once_one_is_a_conflict(committed_case: Case) -> None:
    case = committed_case
    application = case.received()
    case.session.commit()
    application_id = application.id
    results = _at_once(case, lambda session: _agree(session, case.answers, application_id), 2)
    assert sorted(results) == ["application.wrong_state", "ok"]
    assert len(application.answers) == 1
    assert len(case.session.scalars(select(Grant)).all()) == 1


def test_of_two_receipts_at_once_one_is_a_conflict(committed_case: Case) -> None:
    case = committed_case
    application_id = case.form().id
    case.session.commit()

    def receive(session: Session) -> None:
        register_receipt(session, case.answers, application_id, received_on=MONDAY, receiver="收发室")

    assert sorted(_at_once(case, receive, 2)) == ["application.wrong_state", "ok"]


def _agree(session: Session, actor: Actor, application_id: Any) -> None:
    items = [ItemAnswer(name, Decision.AGREED, "同意") for name in ("ask_2", "ask_3")]
    answer(session, actor, application_id, reason="答复", items=items)


def _at_once(case: Case, step: Callable[[Session], None], times: int) -> list[str]:
    """Take a step in several transactions that start together; what became of each."""
    barrier, results = threading.Barrier(times), []
    engine = case.session.get_bind()

    def run() -> None:
        with Session(engine) as session:
            barrier.wait()
            try:
                step(session)
                session.commit()
                results.append("ok")
            except Conflict as error:
                session.rollback()
                results.append(error.code)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_today_is_the_case_clocks(case: Case) -> None:
    assert case_today(case.session) == MONDAY


def test_an_added_notice_moves_running_deadlines_by_itself(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add, "on_added", [on_calendar_added])
    case.turn(date(2026, 12, 28))
    application = case.received()
    answered = case.received()
    case.answer(answered, ["ask_2", "ask_3"])
    regulator = factories.official(case.session, factories.agency(case.session, office=Office.REGULATOR), "REGULATOR")
    body = {
        "year": 2027,
        "document": "国办发明电〔2026〕9号",
        "title": "2027年节假日安排",
        "verified": True,
        "holidays": [{"from": "2027-01-01", "to": "2027-01-05"}],
        "makeup_days": ["2027-01-09"],
    }
    add.add_calendar(case.session, regulator, body)
    assert [application.due_on, application.due_provisional] == [date(2027, 1, 13), False]
    assert [answered.due_on, answered.due_provisional] == [date(2027, 1, 11), True]
