"""Needs (共享需求) for data that is not catalogued, or is NO_SHARING ([M] Art. 14)."""

import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Moment, Prose, one_of


class NeedState(StrEnum):
    """RAISED → ACCEPTED (the provider will catalogue or reclassify) or REFUSED with a basis."""

    RAISED = "RAISED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class Need(Base):
    """What an agency needs for its duty and cannot apply for yet."""

    __tablename__ = "need"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint(one_of("state", NeedState), name="state"),
        CheckConstraint("state <> 'REFUSED' OR answer_basis IS NOT NULL", name="refusal_needs_basis"),
        Index("ix_need_provider_id", "provider_id", "state"),
    )

    id: Mapped[Identity]
    number: Mapped[Code]
    state: Mapped[Code] = mapped_column(default=NeedState.RAISED)
    requester_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    provider_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    resource_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("resource.id"))
    description: Mapped[Prose]
    purpose: Mapped[Prose]
    duty: Mapped[Prose]
    rule_set: Mapped[Code]
    raised_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    raised_at: Mapped[Moment] = mapped_column(default=system_now)
    answer: Mapped[Prose] = mapped_column(default="")
    answer_basis: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[Moment | None]
