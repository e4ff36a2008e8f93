"""What was published into the object store, as the publisher knows it. The app role may read it and no more."""

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from adapters.database import Base, Code, Count, Line, Moment, Prose

PUBLISH_LOCK = 0x5348_554E_4955_5053
"""Advisory lock: held exclusively by the one publisher at work, shared by who needs the store to stand still."""
KEEP_LOCK = 0x5348_554E_4955_4B50
"""Advisory lock of who keeps an hour's checkpoints; not the publisher's, which a long verification holds for hours."""
ONE = 1


class LogStore(Base):
    """The one row: how far the store has come, what it can do, and what is wrong with it.

    ``lock`` is LOCKED or NOT_LOCKED once it was tried; ``problem`` is the sentence of what keeps the publisher from
    its work, empty when nothing does.
    """

    __tablename__ = "log_store"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("lock IN ('', 'LOCKED', 'NOT_LOCKED')", name="lock"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=ONE)
    size: Mapped[Count] = mapped_column(default=0)
    published_at: Mapped[Moment | None]
    lock: Mapped[Code] = mapped_column(default="")
    problem: Mapped[Prose] = mapped_column(default="")
    problem_since: Mapped[Moment | None]


class KeptCheckpoint(Base):
    """A checkpoint kept in an hour: the newest, and beside it the newest that enough witnesses cosigned, if that is an
    older one. ``hour`` is the hour's begin, or a moment within it where a clock that ran ahead had kept one for it
    already. Without object lock ``retain_until`` is empty, and ``version`` may be.

    ``digest`` is the SHA-256 of what was kept; empty for what was kept before there were digests.
    """

    __tablename__ = "log_kept_checkpoint"
    __table_args__ = (CheckConstraint("length(digest) = 32", name="digest"),)

    hour: Mapped[Moment] = mapped_column(primary_key=True)
    cosigned: Mapped[bool] = mapped_column(primary_key=True, default=False)
    key: Mapped[Line]
    size: Mapped[Count]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[Line] = mapped_column(default="")
    kept_at: Mapped[Moment]
    retain_until: Mapped[Moment | None]
