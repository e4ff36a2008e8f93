"""Grants after they were opened: standing ones, the catalogue's changes, suspension, end and expiry."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from adapters.errors import Conflict, NotAllowed, NotFound
from directory.agencies.models import Office
from directory.catalogue import content, publish
from directory.catalogue.compile import draft_next_version
from directory.catalogue.models import DataItem, ResourceVersion
from exchange.agreements.models import Agreement
from exchange.agreements.terminate import terminate
from exchange.applications.models import Application
from exchange.disputes.conclude import conclude
from exchange.disputes.models import Outcome
from exchange.disputes.raise_dispute import raise_dispute
from exchange.grants import queries
from exchange.grants.end import end
from exchange.grants.expire import expire
from exchange.grants.models import Grant
from exchange.grants.resume import resume
from exchange.grants.suspend import suspend
from exchange.hooks import on_published, on_withdrawn
from tests import factories
from tests.integration.exchange.conftest import MONDAY, Case


def granted(case: Case, items: tuple[str, ...] = ("ask_2", "ask_3")) -> tuple[Application, Grant]:
    application = case.granted(items)
    return application, case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()


def next_version(case: Case, **attributes: str) -> ResourceVersion:
    """Publish a next version of the entry; ``attributes`` give items another share attribute, "" drops one."""
    former = case.version
    former.state = "SUPERSEDED"
    case.session.flush()
    columns = [column.key for column in ResourceVersion.__mapper__.column_attrs]
    kept = {name: getattr(former, name) for name in columns if name not in ("id", "number", "state", "lock_version")}
    version = ResourceVersion(number=former.number + 1, state="PUBLISHED", **kept)
    for item in former.items:
        values = {
            column.key: getattr(item, column.key)
            for column in DataItem.__mapper__.column_attrs
            if column.key not in ("id", "version_id")
        }
        values["share_attribute"] = attributes.get(item.field_name, item.share_attribute)
        if values["share_attribute"] == "ON_REQUEST":
            values["share_condition"] = "依法履职"
        if values["share_attribute"] == "NO_SHARING":
            values["basis"] = factories.not_shared()["basis"]
        if values["share_attribute"]:
            version.items.append(DataItem(**values))
    case.session.add(version)
    case.session.flush()
    case.version = version
    on_published(case.session, case.answers, version)
    return version


def standing_of(case: Case) -> list[Grant]:
    living = select(Grant).where(Grant.requester_id.is_(None), Grant.state != "ENDED")
    return list(case.session.scalars(living.where(Grant.resource_id == case.version.resource_id)))


def test_publishing_makes_one_standing_grant_of_the_universal_items(case: Case) -> None:
    on_published(case.session, case.answers, case.version)
    [grant] = standing_of(case)
    assert (grant.items, grant.modes, grant.state) == (["open_1"], case.version.modes, "ACTIVE")
    assert [grant.quota_rows, grant.valid_to] == [None, None]
    other = factories.official(case.session, factories.agency(case.session), "REQUESTER")
    assert [row.id for row in queries.mine(case.session, other, standing=True).items] == [grant.id]
    assert queries.mine(case.session, other, standing=False).items == ()
    assert queries.for_resource(case.session, other, case.version.resource_id) == (grant,)
    assert queries.detail(case.session, other, grant.id) is grant


def test_the_next_version_replaces_it_and_no_universal_item_ends_it(case: Case) -> None:
    on_published(case.session, case.answers, case.version)
    [first] = standing_of(case)
    next_version(case, ask_2="UNIVERSAL")
    [second] = standing_of(case)
    assert first.state == "ENDED"
    assert (second.items, second.resource_version_id) == (["open_1", "ask_2"], case.version.id)
    next_version(case, open_1="ON_REQUEST", ask_2="ON_REQUEST")
    assert standing_of(case) == []


def test_a_sensitive_or_secret_item_is_in_no_standing_grant(case: Case) -> None:
    case.version.items[0].sensitivity = "PERSONAL_PRIVACY"
    on_published(case.session, case.answers, case.version)
    assert standing_of(case) == []
    case.version.items[0].sensitivity, case.version.secrecy_level = "NONE", "STATE_SECRET"
    on_published(case.session, case.answers, case.version)
    assert standing_of(case) == []


@pytest.mark.parametrize("change", ["NO_SHARING", ""])
def test_an_item_that_is_no_longer_offered_suspends_the_grants_that_name_it(case: Case, change: str) -> None:
    _, touched = granted(case)
    _, untouched = granted(case, ("ask_2",))
    next_version(case, ask_3=change)
    assert (touched.state, touched.suspended_by) == ("SUSPENDED", "HUB")
    assert "ask_3" in touched.state_reason
    assert untouched.state == "ACTIVE"
    with pytest.raises(Conflict) as caught:
        resume(case.session, case.answers, touched.id, reason="继续")
    assert caught.value.code == "grant.not_offered"


def test_a_masked_item_suspends_the_grants_whose_rows_are_chosen_by_it(case: Case) -> None:
    application = case.granted(("ask_2",), row_condition={"field": "ask_2", "operator": "EQUALS", "values": ["1"]})
    grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    case.version.items[1].masking = "KEEP_LAST_4"
    on_published(case.session, case.answers, case.version)
    assert (grant.state, grant.suspended_by) == ("SUSPENDED", "HUB")
    assert "masked" in grant.state_reason
    with pytest.raises(Conflict) as caught:
        resume(case.session, case.answers, grant.id, reason="恢复")
    assert caught.value.code == "grant.not_offered"


def test_what_is_offered_again_can_be_resumed(case: Case) -> None:
    _, grant = granted(case)
    next_version(case, ask_3="NO_SHARING")
    next_version(case, ask_3="ON_REQUEST")
    assert grant.state == "SUSPENDED"
    resume(case.session, case.answers, grant.id, reason="恢复共享")
    assert [grant.state, grant.suspended_by] == ["ACTIVE", "NOBODY"]


def test_an_item_that_became_universal_stays_granted(case: Case) -> None:
    _, grant = granted(case)
    next_version(case, ask_3="UNIVERSAL")
    assert grant.state == "ACTIVE"


def test_withdrawing_the_entry_ends_the_standing_grant_and_suspends_the_others(case: Case) -> None:
    on_published(case.session, case.answers, case.version)
    _, grant = granted(case)
    case.version.state = "WITHDRAWN"
    case.session.flush()
    on_withdrawn(case.session, case.answers, case.version)
    assert standing_of(case) == []
    assert grant.state == "SUSPENDED"


def test_a_grant_opened_after_the_catalogue_changed_is_born_suspended(case: Case) -> None:
    application = case.received(["ask_2", "ask_4"])
    case.answer(application, ["ask_2", "ask_4"])
    agreement = case.session.scalars(select(Agreement)).one()
    next_version(case, ask_2="NO_SHARING")
    case.sign_both(agreement)
    grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    assert (grant.state, grant.suspended_by) == ("SUSPENDED", "HUB")
    assert application.state == "GRANTED"


def test_what_security_suspends_only_security_resumes(case: Case) -> None:
    _, grant = granted(case)
    operator = factories.agency(case.session, "市经济信息化委", Office.REGULATOR)
    guard = factories.official(case.session, operator, "SECURITY_ADMINISTRATOR")
    suspend(case.session, case.answers, grant.id, reason="提供方核查")
    with pytest.raises(Conflict):
        suspend(case.session, case.answers, grant.id, reason="再次")
    suspend(case.session, guard, grant.id, reason="异常调用")
    assert grant.suspended_by == "SECURITY"
    with pytest.raises(NotAllowed) as caught:
        resume(case.session, case.answers, grant.id, reason="恢复")
    assert caught.value.code == "grant.suspended_by_security"
    assert caught.value.refusal is not None
    resume(case.session, guard, grant.id, reason="已排除")
    with pytest.raises(Conflict):
        resume(case.session, guard, grant.id, reason="已排除")
    assert grant.state == "ACTIVE"


def test_the_provider_does_not_stop_a_standing_grant_but_security_does(case: Case) -> None:
    on_published(case.session, case.answers, case.version)
    [grant] = standing_of(case)
    for step in (suspend, end):
        with pytest.raises(NotAllowed) as caught:
            step(case.session, case.answers, grant.id, reason="不想共享")
        assert caught.value.code == "grant.standing"
    guard = factories.official(case.session, case.provider, "SECURITY_ADMINISTRATOR")
    suspend(case.session, guard, grant.id, reason="数据泄露处置")
    next_version(case)
    [following] = standing_of(case)
    assert (following.state, following.suspended_by) == ("SUSPENDED", "SECURITY")


@pytest.mark.parametrize("step", [suspend, end])
def test_a_stop_by_security_outlives_the_withdrawal_of_the_entry(case: Case, step: Callable[..., Grant]) -> None:
    on_published(case.session, case.answers, case.version)
    [grant] = standing_of(case)
    operator = factories.agency(case.session, "市经济信息化委", Office.REGULATOR)
    guard = factories.official(case.session, operator, "SECURITY_ADMINISTRATOR")
    step(case.session, guard, grant.id, reason="数据泄露处置")
    on_withdrawn(case.session, case.answers, case.version)
    next_version(case, open_1="NO_SHARING")
    assert standing_of(case) == []
    next_version(case, open_1="UNIVERSAL")
    [following] = standing_of(case)
    assert (following.state, following.suspended_by) == ("SUSPENDED", "SECURITY")
    assert grant.number in following.state_reason
    resume(case.session, guard, following.id, reason="已处置")
    on_withdrawn(case.session, case.answers, case.version)
    next_version(case)
    [free] = standing_of(case)
    assert free.state == "ACTIVE"


def test_a_stop_by_security_outlives_the_agreement_it_came_under(case: Case) -> None:
    application = case.received(["ask_2", "ask_4"])
    case.answer(application, ["ask_4"], ["ask_2"])
    agreement = case.sign_both(case.session.scalars(select(Agreement)).one())
    grant = case.session.scalars(select(Grant)).one()
    guard = factories.official(case.session, case.provider, "SECURITY_ADMINISTRATOR")
    suspend(case.session, guard, grant.id, reason="异常调用")
    dispute = raise_dispute(case.session, case.asks, application.id, text="确需")
    terminate(case.session, case.answers_signs, agreement.id, reason="另行签署")
    assert grant.state == "ENDED"
    conclude(case.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="重新答复")
    case.answer(application, ["ask_2"])
    case.sign_both(case.session.scalars(select(Agreement).where(Agreement.state == "PROPOSED")).one())
    wider = case.session.scalars(select(Grant).where(Grant.state != "ENDED")).one()
    assert (wider.state, wider.suspended_by) == ("SUSPENDED", "SECURITY")


@pytest.mark.parametrize("step", ["resume", "open"])
def test_publishing_and_bringing_a_grant_to_life_wait_for_each_other(
    committed_case: Case, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version without the item is published, and not committed yet, when the grant on it is to live."""
    case = committed_case
    if step == "resume":
        _, grant = granted(case, ("ask_2",))
        suspend(case.session, case.answers, grant.id, reason="核查")
    else:
        application = case.received(["ask_2"])
    compiler = factories.official(case.session, case.provider, "COMPILER", "REVIEWER")
    entry, items = content.entry_of(case.version), content.items_of(case.version)
    items = [item | factories.not_shared() if item["field_name"] in ("open_1", "ask_2") else item for item in items]
    version = draft_next_version(case.session, compiler, case.version.resource_id, MONDAY, entry, items)
    version.state = "APPROVED"
    case.session.commit()
    monkeypatch.setattr(publish, "_check_reviews", lambda *_: None)
    monkeypatch.setattr(publish, "on_published", [on_published])
    published, living = threading.Event(), threading.Event()

    def bring_to_life() -> None:
        published.wait(30)
        with Session(case.session.get_bind()) as session:
            session.execute(text("SET application_name = 'bringer'"))
            living.set()
            other = replace(case, session=session)
            if step == "open":
                other.answer(application, ["ask_2"])
            else:
                with pytest.raises(Conflict):
                    resume(session, case.answers, grant.id, reason="恢复")
            session.commit()

    with ThreadPoolExecutor(1) as beside, Session(case.session.get_bind()) as session:
        other = beside.submit(bring_to_life)
        publish.publish_version(session, compiler, version.id)
        published.set()
        living.wait(30)
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with Session(case.session.get_bind()) as looking:
            deadline = time.monotonic() + 10
            while looking.scalar(waiting) == 0 and not other.done() and time.monotonic() < deadline:
                time.sleep(0.05)
                looking.rollback()
        session.commit()
        other.result(30)
    case.session.expire_all()
    grant = case.session.scalars(select(Grant).where(Grant.requester_id.is_not(None))).one()
    assert (grant.state, grant.suspended_by) == ("SUSPENDED", "PROVIDER" if step == "resume" else "HUB")


def test_nobody_else_stops_a_grant(case: Case) -> None:
    _, grant = granted(case)
    third = factories.agency(case.session)
    for stranger in (
        factories.official(case.session, third, "SECURITY_ADMINISTRATOR", "ANSWERER"),
        case.office,
        case.asks_signs,
        factories.client(case.session, case.provider),
    ):
        with pytest.raises(NotAllowed):
            suspend(case.session, stranger, grant.id, reason="无权")
        with pytest.raises(NotAllowed):
            end(case.session, stranger, grant.id, reason="无权")
    with pytest.raises(NotAllowed):
        queries.detail(case.session, factories.official(case.session, third, "REQUESTER"), grant.id)
    with pytest.raises(NotFound):
        suspend(case.session, case.answers, case.version.id, reason="并无此授权")


@pytest.mark.parametrize("who", ["asks", "answers"])
def test_either_side_ends_a_grant_for_good(case: Case, who: str) -> None:
    application, grant = granted(case)
    end(case.session, getattr(case, who), grant.id, reason="用途已实现")
    assert [grant.state, application.state] == ["ENDED", "CLOSED"]
    with pytest.raises(Conflict):
        resume(case.session, case.answers, grant.id, reason="恢复")


def test_a_grant_expires_after_its_last_day_with_agreement_and_application(case: Case) -> None:
    application = case.received(["ask_4"], term_to=date(2026, 9, 30))
    case.answer(application, ["ask_4"])
    agreement = case.sign_both(case.session.scalars(select(Agreement)).one())
    grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    case.turn(date(2026, 9, 30))
    assert expire(case.session) == 0
    case.turn(date(2026, 10, 1))
    assert expire(case.session) == 1
    assert [grant.state, agreement.state, application.state] == ["ENDED", "TERMINATED", "CLOSED"]
    assert expire(case.session) == 0


def test_a_suspended_grant_past_its_term_is_not_resumed(case: Case) -> None:
    application = case.received(["ask_2"], term_to=date(2026, 9, 30))
    case.answer(application, ["ask_2"])
    grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    suspend(case.session, case.answers, grant.id, reason="核查")
    case.turn(date(2026, 10, 1))
    with pytest.raises(Conflict) as caught:
        resume(case.session, case.answers, grant.id, reason="恢复")
    assert caught.value.code == "grant.term_over"


def test_lists_of_both_sides(case: Case) -> None:
    _, grant = granted(case)
    assert grant.valid_from == MONDAY
    assert [row.id for row in queries.mine(case.session, case.asks, standing=False).items] == [grant.id]
    assert [row.id for row in queries.given(case.answers).page(case.session, {}).items] == [grant.id]
    assert queries.given(case.answers).page(case.session, {"state": ["ENDED"]}).items == ()
    assert queries.given(case.asks).page(case.session, {}).items == ()
