from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.working_days import (
    Calendar,
    Deadline,
    add_working_days,
    calendar_from_mapping,
    is_working_day,
    packaged_calendars,
    working_days_between,
)

CALENDARS = packaged_calendars()
DAYS = st.dates(date(2023, 6, 1), date(2028, 6, 1))
TERMS = st.integers(1, 300)


@pytest.mark.parametrize(("year", "holidays", "makeup_days"), [(2024, 28, 8), (2025, 28, 5), (2026, 33, 6)])
def test_notices_have_as_many_days_as_their_text_says(year: int, holidays: int, makeup_days: int) -> None:
    calendar = next(calendar for calendar in CALENDARS if calendar.year == year)
    assert (len(calendar.holidays), len(calendar.makeup_days), calendar.verified) == (holidays, makeup_days, True)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 14), True),
        (date(2026, 2, 15), False),
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
        (date(2025, 10, 8), False),
        (date(2025, 10, 11), True),
        (date(2025, 10, 12), False),
        (date(2024, 2, 9), True),
        (date(2027, 1, 1), True),
    ],
)
def test_holidays_and_make_up_days(day: date, works: bool) -> None:
    assert is_working_day(day, CALENDARS) is works


def test_ten_working_days_over_the_national_day() -> None:
    assert add_working_days(date(2026, 9, 24), 10, CALENDARS) == Deadline(date(2026, 10, 15), False, ("2026-1",))


def test_a_term_into_a_year_without_a_notice_is_provisional() -> None:
    deadline = add_working_days(date(2026, 12, 21), 10, CALENDARS)
    assert deadline == Deadline(date(2027, 1, 4), True, ("2026-1",))
    notice = Calendar(2027, "2027-1", "-", "-", True, frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}))
    assert add_working_days(date(2026, 12, 21), 10, (*CALENDARS, notice)) == Deadline(
        date(2027, 1, 4), False, ("2026-1", "2027-1")
    )


def test_the_last_day_of_a_year_without_a_notice_does_not_make_the_next_provisional() -> None:
    assert add_working_days(date(2023, 12, 31), 1, CALENDARS) == Deadline(date(2024, 1, 2), False, ("2024-1",))


def test_a_later_calendar_of_a_year_replaces_the_earlier() -> None:
    changed = replace(CALENDARS[-1], version="2026-2", holidays=frozenset())
    assert add_working_days(date(2026, 9, 30), 1, (*CALENDARS, changed)) == Deadline(
        date(2026, 10, 1), False, ("2026-2",)
    )


@pytest.mark.parametrize("n", [0, -1, 2501])
def test_terms_out_of_bounds_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        add_working_days(date(2026, 1, 1), n, CALENDARS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"holidays": [{"from": "2027-01-02", "to": "2027-01-01"}]}, "before it starts"),
        ({"holidays": [{"from": "2026-12-31", "to": "2027-01-01"}]}, "not in 2027"),
        ({"holidays": [{"from": "0001-01-01", "to": "9999-12-31"}]}, "too long"),
        ({"makeup_days": ["2027-01-01"]}, "both"),
        ({"makeup_days": ["2027-01-04"]}, "no weekend day"),
        ({"makeup_days": ["2027-1-3"]}, "Invalid isoformat"),
        ({"makeup_days": None}, "wrong kind"),
        ({"holidays": ["2027-01-01"]}, "wrong kind"),
    ],
)
def test_a_wrong_calendar_is_refused_with_its_reason(change: dict[str, object], reason: str) -> None:
    right = {
        "year": 2027,
        "version": "2027-1",
        "document": "-",
        "title": "-",
        "holidays": [{"from": "2027-01-01", "to": "2027-01-01"}],
        "makeup_days": [],
    }
    assert calendar_from_mapping(right).holidays == {date(2027, 1, 1)}
    with pytest.raises(ValueError, match=reason):
        calendar_from_mapping(right | change)


@given(DAYS, TERMS)
def test_a_term_ends_on_a_working_day_after_its_start(start: date, n: int) -> None:
    deadline = add_working_days(start, n, CALENDARS)
    assert deadline.day > start
    assert is_working_day(deadline.day, CALENDARS)
    assert working_days_between(start, deadline.day, CALENDARS) == n


@given(DAYS, TERMS, TERMS)
def test_terms_add_up(start: date, first: int, second: int) -> None:
    halfway = add_working_days(start, first, CALENDARS).day
    assert add_working_days(halfway, second, CALENDARS).day == add_working_days(start, first + second, CALENDARS).day


@given(DAYS, st.integers(0, 60), TERMS)
def test_a_later_start_never_ends_earlier(start: date, later: int, n: int) -> None:
    end = add_working_days(start, n, CALENDARS).day
    assert add_working_days(start + timedelta(days=later), n, CALENDARS).day >= end


@given(DAYS, DAYS, DAYS)
def test_working_days_between_is_additive_and_signed(a: date, b: date, c: date) -> None:
    whole = working_days_between(a, c, CALENDARS)
    assert working_days_between(a, b, CALENDARS) + working_days_between(b, c, CALENDARS) == whole
    assert working_days_between(c, a, CALENDARS) == -whole


@given(DAYS, TERMS)
def test_a_deadline_is_provisional_exactly_when_a_day_it_counted_has_no_notice(start: date, n: int) -> None:
    deadline = add_working_days(start, n, CALENDARS)
    years = {calendar.year for calendar in CALENDARS}
    counted = range((start + timedelta(days=1)).year, deadline.day.year + 1)
    assert deadline.provisional == any(year not in years for year in counted)


def test_a_deadline_is_provisional_when_a_year_it_counted_has_a_notice_that_nobody_compared() -> None:
    unverified = replace(CALENDARS[-1], year=2030, verified=False, holidays=frozenset(), makeup_days=frozenset())
    assert add_working_days(date(2030, 3, 1), 10, (unverified,)).provisional
    verified = replace(unverified, verified=True)
    assert not add_working_days(date(2030, 3, 1), 10, (unverified, verified)).provisional
    before = replace(verified, year=2029, version="2029-1")
    assert add_working_days(date(2029, 12, 28), 10, (before, unverified)).provisional
    assert not add_working_days(date(2029, 12, 3), 10, (before, unverified)).provisional
