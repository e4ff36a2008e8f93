"""Ten working days: holidays and make-up days included, by brute force over the packaged calendars."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.applications.deadlines import answer_deadline, days_left
from exchange.applications.models import Application
from schemas.working_days import is_working_day, packaged_calendars

CALENDARS = packaged_calendars()
DAYS = st.dates(date(2024, 1, 2), date(2026, 11, 30))
APPLICATION = Application(rule_set="shanghai-2016")


@given(DAYS)
@settings(deadline=None)
def test_the_last_day_is_the_tenth_working_day_after_the_receipt(received_on: date) -> None:
    deadline = answer_deadline(APPLICATION, received_on, CALENDARS)
    span = [received_on + timedelta(days=n) for n in range(1, (deadline.day - received_on).days + 1)]
    assert sum(is_working_day(day, CALENDARS) for day in span) == 10
    assert is_working_day(deadline.day, CALENDARS)
    assert not deadline.provisional
    assert deadline.calendar_versions


@given(DAYS, st.integers(0, 40))
@settings(deadline=None)
def test_days_left_count_down_to_nought_on_the_last_day_and_below_it_after(received_on: date, later: int) -> None:
    due_on = answer_deadline(APPLICATION, received_on, CALENDARS).day
    today = received_on + timedelta(days=later)
    left = days_left(due_on, today, CALENDARS)
    assert (left < 0) == (today > due_on)
    if today <= due_on:
        assert left == sum(
            is_working_day(today + timedelta(days=n), CALENDARS) for n in range(1, (due_on - today).days + 1)
        )
    assert days_left(due_on, received_on, CALENDARS) == 10
    assert days_left(due_on, due_on, CALENDARS) == 0


@pytest.mark.parametrize(
    ("received_on", "due_on"),
    [
        (date(2026, 9, 14), date(2026, 9, 28)),  # make-up Sunday 20 September, Mid-Autumn 25 to 27
        (date(2026, 9, 29), date(2026, 10, 19)),  # National Day 1 to 7, make-up Saturday 10 October
        (date(2026, 2, 13), date(2026, 3, 5)),  # make-up Saturdays 14 and 28 February, Spring Festival 15 to 23
        (date(2026, 5, 8), date(2026, 5, 21)),  # received on a Friday, make-up Saturday 9 May
        (date(2026, 8, 1), date(2026, 8, 14)),  # received on a Saturday
    ],
)
def test_known_days(received_on: date, due_on: date) -> None:
    assert answer_deadline(APPLICATION, received_on, CALENDARS).day == due_on


def test_a_term_that_touches_a_year_without_notice_is_provisional() -> None:
    last = max(calendar.year for calendar in CALENDARS)
    assert answer_deadline(APPLICATION, date(last, 12, 21), CALENDARS).provisional


def test_a_day_past_the_term_is_overdue_even_on_a_weekend() -> None:
    assert days_left(date(2026, 8, 14), date(2026, 8, 15), CALENDARS) == -1
