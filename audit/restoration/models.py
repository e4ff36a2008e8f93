"""What the sequencer found when this database turned out to be older than the log that others have seen."""

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Count, Identity, Line, Moment

ALONE = text("(done_at IS NULL)")


class LogRestoration(Base):
    """One such finding. While ``done_at`` is empty nothing is numbered, signed or delivered.

    ``own_size`` is what this database has, ``seen_size`` what ``seen_by`` showed: a checkpoint that this log signed.
    ``evidence_id`` names the entry ``log.restored`` that declares the entries between them lost.
    """

    __tablename__ = "log_restoration"
    __table_args__ = (
        CheckConstraint("seen_size >= own_size", name="ahead"),
        CheckConstraint("(done_at IS NULL) = (evidence_id IS NULL)", name="declared"),
        Index("uq_log_restoration_open", ALONE, unique=True, postgresql_where=ALONE),
    )

    id: Mapped[Identity]
    found_at: Mapped[Moment] = mapped_column(default=system_now)
    own_size: Mapped[Count]
    seen_size: Mapped[Count]
    seen_by: Mapped[Line]
    evidence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("evidence.id"))
    done_at: Mapped[Moment | None]
