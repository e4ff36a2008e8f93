"""What the sequencer says of itself, and whether the hub is known to have stopped delivering."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.database import Base, Moment, Prose

ONE = 1


class LogStall(Base):
    """The one row. The sequencer writes what keeps it from signing, empty when nothing does; the app role writes since
    when deliveries are recorded as stopped, since when the witnesses that agree are recorded as too few, and since when
    an hour is recorded to have passed without a kept checkpoint.
    """

    __tablename__ = "log_stall"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=ONE)
    problem: Mapped[Prose] = mapped_column(default="")
    problem_since: Mapped[Moment | None]
    stopped_at: Mapped[Moment | None]
    lacking_at: Mapped[Moment | None]
    unkept_at: Mapped[Moment | None]
