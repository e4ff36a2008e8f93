"""The day by which an entry is updated after a change."""

from datetime import date

import pytest

from directory.catalogue.change import deadline
from schemas.working_days import packaged_calendars

CALENDARS = packaged_calendars()


@pytest.mark.parametrize(
    ("happened_on", "due_on"),
    [
        (date(2026, 9, 14), date(2026, 9, 16)),
        (date(2026, 9, 18), date(2026, 9, 21)),  # a Friday; Sunday 20 September is worked
        (date(2026, 9, 30), date(2026, 10, 9)),  # before National Day, 1 to 7 October
    ],
)
def test_two_working_days_run_from_the_day_of_the_change(happened_on: date, due_on: date) -> None:
    assert deadline(happened_on, "shanghai-2016", CALENDARS).day == due_on
    assert not deadline(happened_on, "shanghai-2016", CALENDARS).provisional


def test_the_rule_set_gives_the_figure_and_a_year_without_notice_is_provisional() -> None:
    assert deadline(date(2026, 9, 14), "national-2025", CALENDARS).day == date(2026, 9, 28)
    assert deadline(date(2026, 12, 31), "shanghai-2016", CALENDARS).provisional
