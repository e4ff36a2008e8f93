"""Holiday calendars that officials add as dated data (R117)."""

import uuid

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Json, Line, Moment


class HolidayCalendar(Base):
    """The holidays and make-up days of one year, by the notice that sets them; the newest revision governs.

    ``days``: ``{"title": "…", "holidays": [{"from": "2027-01-01", "to": "2027-01-03"}], "makeup_days": [], …}``,
    as in ``schemas/calendars``.
    """

    __tablename__ = "holiday_calendar"
    __table_args__ = (UniqueConstraint("year", "revision"),)

    id: Mapped[Identity]
    year: Mapped[int]
    revision: Mapped[int]
    document: Mapped[Line]
    verified: Mapped[bool]
    days: Mapped[Json]
    source: Mapped[Code] = mapped_column(default="PORTAL")
    added_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[Moment] = mapped_column(default=system_now)
