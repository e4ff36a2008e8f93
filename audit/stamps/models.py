"""The time-stamps that an authority gave, and what went wrong where it gave none."""

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from adapters.database import Base, Count, Moment, Prose


class LogStamp(Base):
    """The stamp on the hourly checkpoint of an hour. ``token`` is the authority's answer, empty until it gave one.

    ``problem`` is the sentence of what went wrong at ``tried_at``, empty once there is a token.
    """

    __tablename__ = "log_stamp"

    hour: Mapped[Moment] = mapped_column(primary_key=True)
    size: Mapped[Count]
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    stamped_at: Mapped[Moment | None]
    tried_at: Mapped[Moment]
    problem: Mapped[Prose] = mapped_column(default="")
