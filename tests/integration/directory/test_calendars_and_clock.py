"""Calendars that officials add, and the case clock of a site for tests."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from adapters.clock import case_now, system_now
from adapters.errors import InvalidInput, NotAllowed
from adapters.settings import Settings
from audit.actor import HUB, Actor
from directory.calendars.add import add_calendar
from directory.calendars.queries import calendars
from directory.case_clock.turn import FARTHEST, turn
from directory.people.roles import Role
from schemas.working_days import add_working_days, packaged_calendars
from tests import factories


@pytest.fixture
def regulator(session: Session) -> Actor:
    return factories.official(session, factories.agency(session, office="REGULATOR"), Role.REGULATOR)


def notice(**changes: Any) -> dict[str, Any]:
    return {
        "year": 2031,
        "document": "国办发明电〔2030〕7号",
        "title": "2031年部分节假日安排的通知",
        "verified": True,
        "holidays": [{"from": "2031-01-01", "to": "2031-01-03"}],
        "makeup_days": ["2031-01-04"],
    } | changes


def test_an_added_calendar_governs_and_its_revision_after_it(session: Session, regulator: Actor) -> None:
    assert calendars(session) == packaged_calendars()
    start = date(2030, 12, 31)
    assert add_working_days(start, 1, calendars(session)).provisional
    add_calendar(session, regulator, notice())
    due = add_working_days(start, 1, calendars(session))
    assert (due.day, due.provisional, due.calendar_versions) == (date(2031, 1, 4), False, ("portal-2031-1",))
    add_calendar(session, regulator, notice(holidays=[{"from": "2031-01-01", "to": "2031-01-01"}], makeup_days=[]))
    due = add_working_days(start, 1, calendars(session))
    assert (due.day, due.calendar_versions) == (date(2031, 1, 2), ("portal-2031-2",))


@pytest.mark.parametrize(
    "changes",
    [
        {"year": "2031"},
        {"year": 1999},
        {"year": True},
        {"title": ""},
        {"document": None},
        {"holidays": "2031-01-01"},
        {"holidays": ["2031-01-01"]},
        {"holidays": [{"from": "2031-01-01"}]},
        {"holidays": [{"from": "2031-01-03", "to": "2031-01-01"}]},
        {"holidays": [{"from": "2031-13-01", "to": "2031-13-02"}]},
        {"holidays": [{"from": "2030-12-30", "to": "2031-01-01"}]},
        {"holidays": [{"from": "2031-01-01", "to": "2031-01-01"}] * 61},
        {"makeup_days": ["2031-01-02"]},
        {"makeup_days": ["2031-01-06"]},
        {"makeup_days": ["2032-01-03"]},
        {"makeup_days": None},
    ],
)
def test_what_makes_no_calendar_is_refused(session: Session, regulator: Actor, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        add_calendar(session, regulator, notice(**changes))
    assert refused.value.problems
    assert calendars(session) == packaged_calendars()


def test_the_regulator_alone_adds_calendars(session: Session) -> None:
    with pytest.raises(NotAllowed):
        add_calendar(session, factories.official(session, factories.agency(session), Role.COMPILER), notice())


def test_the_case_clock_turns_where_the_site_lets_it(
    session: Session, rules: Settings, regulator: Actor, kinds: Callable[[str], list[str]]
) -> None:
    day = 86_400
    turn(session, HUB, 10 * day, rules)
    turn(session, HUB, -3 * day, rules)
    assert timedelta(days=6.9) < case_now(session) - system_now() < timedelta(days=7.1)
    with pytest.raises(InvalidInput):
        turn(session, HUB, FARTHEST, rules)
    with pytest.raises(NotAllowed, match="cannot be turned"):
        turn(session, HUB, day, replace(rules, case_clock_turnable=False))
    with pytest.raises(NotAllowed):
        turn(session, regulator, day, rules)
    assert kinds("case_clock/1") == ["case_clock.turned", "case_clock.turned"]
