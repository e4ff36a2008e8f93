"""Adding a year's notice of holidays as dated data, without a release (R117)."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, Sentence
from adapters.texts import line
from audit.actor import Actor
from audit.append import append
from directory.calendars.models import HolidayCalendar
from directory.permissions import add_calendar as may_add
from directory.permissions import require
from schemas.working_days import calendar_from_mapping

FIRST_YEAR, LAST_YEAR = 2000, 2200
_MOST_SPANS = 60
on_added: list[Callable[[Session, Actor], None]] = []
"""What rooms above do when a notice is there, in the same transaction, such as computing running deadlines anew."""


def add_calendar(session: Session, actor: Actor, body: Mapping[str, Any]) -> HolidayCalendar:
    """Add the holidays and make-up days of a year; a second notice for the year becomes its next revision.

    Deadlines that run are computed again by ``on_added``; all others keep the calendar they were computed from.

    Args:
        body: ``{"year": 2027, "document": "国办发明电〔2026〕…", "title": "…", "verified": true,
            "holidays": [{"from": "2027-01-01", "to": "2027-01-03"}], "makeup_days": ["2027-02-06"]}``.

    Raises:
        NotAllowed: the actor is not of the regulator.
        InvalidInput: a part is missing, a day is no date of that year, or is both holiday and make-up day.
    """
    require(may_add(actor), "calendar.added", "calendar/new")
    year = body.get("year")
    if not isinstance(year, int) or isinstance(year, bool) or not FIRST_YEAR <= year <= LAST_YEAR:
        raise _wrong("/year", "The year must be a whole number from 2000 to 2200.")
    days = {
        "title": line(body.get("title"), "/title"),
        "holidays": _spans(body.get("holidays"), year),
        "makeup_days": _days(body.get("makeup_days"), "/makeup_days"),
    }
    document = line(body.get("document"), "/document", most=200)
    head = {"year": year, "document": document, "version": "new"}
    try:
        calendar_from_mapping({**days, **head})
    except ValueError as error:
        raise _wrong("/holidays", "The days do not make a calendar: {why}", why=str(error)) from error
    latest = session.scalar(select(func.max(HolidayCalendar.revision)).where(HolidayCalendar.year == year))
    made = HolidayCalendar(
        year=year,
        revision=(latest or 0) + 1,
        document=document,
        verified=body.get("verified") is True,
        days=days,
        added_by=actor.person_id,
    )
    session.add(made)
    session.flush()
    facts = {"year": year, "revision": made.revision, "document": document, "verified": made.verified, "days": days}
    append(session, "calendar.added", f"calendar/{made.id}", actor, after=facts, authority=document)
    for hook in on_added:
        hook(session, actor)
    return made


def _spans(given: object, year: int) -> list[dict[str, str]]:
    if not isinstance(given, list | tuple) or len(given) > _MOST_SPANS:
        raise _wrong("/holidays", "The holidays must be a list of at most 60 spans, each with its first and last day.")
    spans = []
    for number, span in enumerate(given):
        place = f"/holidays/{number}"
        if not isinstance(span, Mapping):
            raise _wrong(place, "A span of holidays has a first day (from) and a last day (to).")
        first, last = line(span.get("from"), f"{place}/from", most=10), line(span.get("to"), f"{place}/to", most=10)
        if not (first.startswith(f"{year}-") and last.startswith(f"{year}-")):
            raise _wrong(place, "Both days must be of the calendar's own year. Divide a span at the turn of the year.")
        _require_date(first, "/holidays")
        _require_date(last, "/holidays")
        spans.append({"from": first, "to": last})
    return spans


def _days(given: object, pointer: str) -> list[str]:
    if not isinstance(given, list | tuple) or len(given) > _MOST_SPANS:
        raise _wrong(pointer, "The make-up days must be a list of at most 60 days.")
    days = [line(day, f"{pointer}/{number}", most=10) for number, day in enumerate(given)]
    for day in days:
        _require_date(day, pointer)
    return days


def _require_date(text: str, pointer: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise _wrong(pointer, "{day} is no date. Write days as 2027-01-01.", day=text) from None


def _wrong(pointer: str, sentence: str, **context: object) -> InvalidInput:
    problem = {"pointer": pointer, "code": "calendar.wrong", "message": Sentence(sentence, **context)}
    return InvalidInput("calendar.wrong", sentence, [problem], **context)
