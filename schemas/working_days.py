"""工作日: days that count for a deadline (R117), from the State Council's yearly notices of holidays and make-up days.

A year without a notice counts Monday to Friday. A deadline that touches such a year, or one whose notice nobody
compared with its source, is provisional: it is computed again when the notice is there, or compared. Which notices
exist is an argument, since officials add them as dated data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from schemas.packaged import names, read_json

_DAY = timedelta(days=1)
_FRIDAY = 4
_LONGEST = 2500
_MANY_YEARS = 60
_LAST_YEAR = 9900


@dataclass(frozen=True, slots=True)
class Calendar:
    """One year's notice.

    Args:
        year: the year it arranges.
        version: name of this state of the data, kept with every deadline computed from it.
        document: document number.
        title: the notice's title.
        verified: whether the days were compared with a copy of the notice.
        holidays: days off, weekends inside a holiday included.
        makeup_days: weekend days that are worked.
    """

    year: int
    version: str
    document: str
    title: str
    verified: bool
    holidays: frozenset[date]
    makeup_days: frozenset[date]

    def __post_init__(self) -> None:
        for day in self.holidays | self.makeup_days:
            if day.year != self.year:
                raise ValueError(f"{day} is not in {self.year}. Give each year's days in its own calendar.")
        if both := self.holidays & self.makeup_days:
            raise ValueError(f"{min(both)} is both a holiday and a make-up day. Remove it from one list.")
        if weekday := [day for day in self.makeup_days if day.weekday() <= _FRIDAY]:
            raise ValueError(f"{min(weekday)} is no weekend day, so it cannot be a make-up day. Compare the notice.")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a term, whether it may still move, and which calendars it was computed from."""

    day: date
    provisional: bool
    calendar_versions: tuple[str, ...]


def calendar_from_mapping(body: Mapping[str, Any]) -> Calendar:
    """A calendar from the shape of ``schemas/calendars/*.json``, as officials add one.

    Raises:
        ValueError: a key is missing, a day is no date or not in the year, a span ends before it starts, or a day is
            in both lists.
    """
    try:
        spans = [(date.fromisoformat(span["from"]), date.fromisoformat(span["to"])) for span in body["holidays"]]
        makeup_days = frozenset(date.fromisoformat(day) for day in body["makeup_days"])
        head = int(body["year"]), str(body["version"]), str(body["document"]), str(body["title"])
        verified = bool(body.get("verified", False))
    except (KeyError, TypeError) as error:
        raise ValueError(f"The calendar lacks a part or has one of the wrong kind: {error}.") from error
    holidays = frozenset(day for start, end in spans for day in _span(start, end))
    return Calendar(*head, verified, holidays, makeup_days)


@cache
def packaged_calendars() -> tuple[Calendar, ...]:
    """The calendars that come with the release, oldest first."""
    return tuple(calendar_from_mapping(read_json("calendars", name)) for name in names("calendars"))


def is_working_day(day: date, calendars: Sequence[Calendar]) -> bool:
    """Whether a day counts; of several calendars of a year the last one governs."""
    return _works(day, _by_year(calendars))


def add_working_days(start: date, n: int, calendars: Sequence[Calendar]) -> Deadline:
    """The ``n``-th working day after ``start``, the day of the event, which is not counted.

    Args:
        start: day of the triggering event, working day or not.
        n: working days, 1 to 2500.
        calendars: notices in force; a later one of the same year replaces an earlier one.

    Raises:
        ValueError: ``n`` is out of bounds, or ``start`` is at the end of time.
    """
    if not 1 <= n <= _LONGEST:
        raise ValueError(f"A term has 1 to {_LONGEST} working days, not {n}.")
    if start.year > _LAST_YEAR:
        raise ValueError(f"No term can start on {start}. Check the year.")
    by_year = _by_year(calendars)
    day = start
    while n:
        day += _DAY
        n -= _works(day, by_year)
    touched = range((start + _DAY).year, day.year + 1)
    versions = tuple(by_year[year].version for year in touched if year in by_year)
    provisional = any(year not in by_year or not by_year[year].verified for year in touched)
    return Deadline(day, provisional, versions)


def working_days_between(start: date, end: date, calendars: Sequence[Calendar]) -> int:
    """Working days after ``start`` up to and including ``end``; negative when ``end`` comes first.

    Raises:
        ValueError: the days are more than 60 years apart.
    """
    if end < start:
        return -working_days_between(end, start, calendars)
    if end.year - start.year > _MANY_YEARS:
        raise ValueError(f"{start} and {end} are more than {_MANY_YEARS} years apart.")
    by_year = _by_year(calendars)
    return sum(_works(day, by_year) for day in _span(start + _DAY, end)) if end > start else 0


def _by_year(calendars: Sequence[Calendar]) -> dict[int, Calendar]:
    return {calendar.year: calendar for calendar in calendars}


def _works(day: date, by_year: Mapping[int, Calendar]) -> bool:
    calendar = by_year.get(day.year)
    weekday = day.weekday() <= _FRIDAY
    if calendar is None:
        return weekday
    return day in calendar.makeup_days or (weekday and day not in calendar.holidays)


def _span(start: date, end: date) -> list[date]:
    if end < start:
        raise ValueError(f"A span of days ends on {end}, before it starts on {start}.")
    if (end - start).days > 366 * (_MANY_YEARS + 1):
        raise ValueError(f"The span from {start} to {end} is too long.")
    return [start + _DAY * number for number in range((end - start).days + 1)]
