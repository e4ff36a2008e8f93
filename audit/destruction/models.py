"""Requests to destroy personal details of evidence (个人信息保护法 Art. 47; R84)."""

import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Identity, Json, Moment, Prose, one_of


class DestructionState(StrEnum):
    """ASKED → CONFIRMED (the keys are erased) or DECLINED."""

    ASKED = "ASKED"
    CONFIRMED = "CONFIRMED"
    DECLINED = "DECLINED"


class Destruction(Base):
    """A request to destroy the personal details of one entry, or of all entries that name a data subject.

    Attributes:
        entry_id: the one entry; None for a data subject.
        token: the data subject's token; None for one entry.
        kind: the kind of the subject's number; "" for one entry.
        basis: ``{"kind", "document", "number", "article"}``: the law or decision that asks for it.
        early_basis: what lets details be destroyed before the legal term of retention ends; "" for nothing.
        reason: in the asker's words, free of personal details.
        asked_by, decided_by: two different people.
        destroyed: of how many entries the details were destroyed.
    """

    __tablename__ = "personal_destruction"
    __table_args__ = (
        CheckConstraint(one_of("state", DestructionState), name="state"),
        CheckConstraint("(entry_id IS NULL) <> (token IS NULL)", name="one_target"),
        CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="two_people"),
        CheckConstraint("(state = 'ASKED') = (decided_by IS NULL)", name="decided_by_somebody"),
        Index("ix_personal_destruction_asked_at", "asked_at", "id"),
    )

    id: Mapped[Identity]
    entry_id: Mapped[uuid.UUID | None]
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    kind: Mapped[Code] = mapped_column(default="")
    basis: Mapped[Json]
    early_basis: Mapped[Prose] = mapped_column(default="")
    reason: Mapped[Prose]
    state: Mapped[Code] = mapped_column(default=DestructionState.ASKED)
    asked_by: Mapped[uuid.UUID]
    asked_at: Mapped[Moment] = mapped_column(default=system_now)
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[Moment | None]
    destroyed: Mapped[Count] = mapped_column(default=0)
