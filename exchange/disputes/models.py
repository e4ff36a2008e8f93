"""Coordination of objections ([M] Art. 15¶3; R41)."""

import uuid
from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Line, Moment, Prose, one_of
from exchange.applications.models import Application


class DisputeState(StrEnum):
    """OPEN → CONCLUDED, or ESCALATED to the leading group → RULED. WITHDRAWN by the requester."""

    OPEN = "OPEN"
    CONCLUDED = "CONCLUDED"
    ESCALATED = "ESCALATED"
    RULED = "RULED"
    WITHDRAWN = "WITHDRAWN"


class Outcome(StrEnum):
    """What a conclusion or ruling says of the refusal."""

    ANSWER_ANEW = "ANSWER_ANEW"
    REFUSAL_STANDS = "REFUSAL_STANDS"
    RULED_TO_SHARE = "RULED_TO_SHARE"


class Dispute(Base):
    """An objection to one round of a provider's answer, before the coordinating office."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint(one_of("state", DisputeState), name="state"),
        Index(
            "uq_dispute_open",
            "application_id",
            unique=True,
            postgresql_where="state IN ('OPEN', 'ESCALATED')",
        ),
        UniqueConstraint("application_id", "answer_round"),
        Index("ix_dispute_state", "state", "raised_at"),
    )

    id: Mapped[Identity]
    number: Mapped[Code]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.id"), index=True)
    answer_round: Mapped[int] = mapped_column(Integer)
    state: Mapped[Code] = mapped_column(default=DisputeState.OPEN)
    raised_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    raised_at: Mapped[Moment] = mapped_column(default=system_now)
    raised_on: Mapped[date]
    application: Mapped[Application] = relationship()
    statements: Mapped[list["Statement"]] = relationship(back_populates="dispute", order_by="Statement.stated_at")
    conclusions: Mapped[list["Conclusion"]] = relationship(back_populates="dispute", order_by="Conclusion.concluded_at")


class Statement(Base):
    """What a side, the office, or a department that the office asked, says; ``asked_id``: whom a question goes to."""

    __tablename__ = "statement"

    id: Mapped[Identity]
    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"), index=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    asked_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency.id"), index=True)
    text: Mapped[Prose]
    stated_at: Mapped[Moment] = mapped_column(default=system_now)
    dispute: Mapped[Dispute] = relationship(back_populates="statements")


class Conclusion(Base):
    """The office's conclusion (结论) or, with ``is_ruling``, the leading group's decision (决定), which is final.

    ``document`` names the paper that holds a ruling. ``concluded_on`` is the day by the case clock.
    """

    __tablename__ = "conclusion"
    __table_args__ = (UniqueConstraint("number"), CheckConstraint(one_of("outcome", Outcome), name="outcome"))

    id: Mapped[Identity]
    number: Mapped[Code]
    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"), index=True)
    is_ruling: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[Code]
    text: Mapped[Prose]
    document: Mapped[Line] = mapped_column(default="")
    concluded_on: Mapped[date]
    concluded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    concluded_at: Mapped[Moment] = mapped_column(default=system_now)
    new_answer_due_on: Mapped[date | None]
    dispute: Mapped[Dispute] = relationship(back_populates="conclusions")
