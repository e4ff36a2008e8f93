"""What is archived, as the owner of the database wrote it down. The app role may read it and no more."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.database import Base, Code, Count, Line, Moment

ARCHIVE_LOCK = 0x5348_554E_4955_4152
"""Advisory lock: held by whoever archives, sets aside or lets expire."""


class LogArchive(Base):
    """One archive file: the entries from ``first_index`` to before ``end_index``, in log order.

    ``digest`` is that of its header, which names those of all its blocks and of the archive before. ``expired_at``
    is when its period of keeping was declared over, ``removed_at`` when the object was deleted after that.
    """

    __tablename__ = "log_archive"
    __table_args__ = (
        CheckConstraint("number >= 0 AND first_index >= 0 AND end_index > first_index", name="range"),
        CheckConstraint("removed_at IS NULL OR expired_at IS NOT NULL", name="expired_first"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_index: Mapped[Count] = mapped_column(unique=True)
    end_index: Mapped[Count] = mapped_column(unique=True)
    digest: Mapped[Code] = mapped_column(unique=True)
    key: Mapped[Line]
    version: Mapped[Line]
    header_bytes: Mapped[Count]
    bytes: Mapped[Count]
    archived_at: Mapped[Moment]
    retain_until: Mapped[Moment]
    expired_at: Mapped[Moment | None]
    removed_at: Mapped[Moment | None]
