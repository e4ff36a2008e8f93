"""Notices of holidays beside the evidence log (R120)."""

from directory.calendars.models import HolidayCalendar


def calendar_facts(calendar: HolidayCalendar) -> dict[str, object]:
    """What a notice says, as adding it recorded it."""
    return {
        "year": calendar.year,
        "revision": calendar.revision,
        "document": calendar.document,
        "verified": calendar.verified,
        "days": calendar.days,
    }
