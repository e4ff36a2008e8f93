"""The two clocks. Nothing else in the product asks for the time.

The system clock stamps evidence and tokens and cannot be turned. The case clock runs deadlines; tests and the demo may
turn it (``directory.case_clock``), and every turn is an evidence entry.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, CheckConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.database import Base

CITY_ZONE = ZoneInfo("Asia/Shanghai")
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class CaseClock(Base):
    """The one row that says how far the case clock is ahead of the system clock, in seconds."""

    __tablename__ = "case_clock"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    offset_seconds: Mapped[int] = mapped_column(BigInteger, default=0)


def system_now() -> datetime:
    """The system clock, UTC."""
    return datetime.now(UTC)


def case_now(session: Session) -> datetime:
    """The case clock, UTC: the system clock plus the offset that this database holds (none: zero)."""
    offset = session.scalar(select(CaseClock.offset_seconds).where(CaseClock.id == 1)) or 0
    return system_now() + timedelta(seconds=offset)


def case_today(session: Session) -> date:
    """The case clock's calendar day in the city's time zone (China Standard Time)."""
    return case_now(session).astimezone(CITY_ZONE).date()


def city_date(moment: datetime) -> date:
    """The calendar day of a moment in the city's time zone."""
    return moment.astimezone(CITY_ZONE).date()
