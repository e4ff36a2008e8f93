"""Reading the calendars that deadlines are computed from."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.calendars.models import HolidayCalendar
from schemas.working_days import Calendar, calendar_from_mapping, packaged_calendars

_MOST = 1000


def calendars(session: Session) -> tuple[Calendar, ...]:
    """All calendars: those of the release, then those officials added, so that the newest of a year governs."""
    order = (HolidayCalendar.year, HolidayCalendar.revision)
    added = session.scalars(select(HolidayCalendar).order_by(*order).limit(_MOST))
    return packaged_calendars() + tuple(as_calendar(row) for row in added)


def as_calendar(row: HolidayCalendar) -> Calendar:
    """An official's calendar as the working-day rules want it; its version names the revision."""
    head = {"year": row.year, "document": row.document, "verified": row.verified}
    return calendar_from_mapping({**row.days, **head, "version": f"portal-{row.year}-{row.revision}"})
