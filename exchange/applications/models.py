"""Applications for ON_REQUEST data, their paper, and the provider's answers ([M] Art. 15; R37 to R40)."""

import uuid
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Json, JsonList, Line, Moment, Prose, one_of
from directory.agencies.models import Agency
from directory.catalogue.models import DataItem, ResourceVersion


class ApplicationState(StrEnum):
    """States of an application. A rule set switches steps off; it never adds its own.

    DRAFT → FORM_GENERATED → RECEIVED (the clock runs) → ANSWERED → [AGREEMENT_PENDING] → GRANTED | REFUSED.
    IN_DISPUTE while the coordinating office works; ANSWER_DIRECTED when a conclusion asks for a new answer.
    CLOSED: withdrawn by the requester, or ended.
    """

    DRAFT = "DRAFT"
    FORM_GENERATED = "FORM_GENERATED"
    RECEIVED = "RECEIVED"
    AGREEMENT_PENDING = "AGREEMENT_PENDING"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    IN_DISPUTE = "IN_DISPUTE"
    ANSWER_DIRECTED = "ANSWER_DIRECTED"
    CLOSED = "CLOSED"


class Decision(StrEnum):
    """The provider's decision on one item."""

    AGREED = "AGREED"
    REFUSED = "REFUSED"


class Application(Base):
    """An application (需求申请) of one agency for items of one published catalogue version.

    ``form`` is frozen when it is generated: its JSON is what was printed, ``form_digest`` the SHA-256 of its canonical
    bytes.
    """

    __tablename__ = "application"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint(one_of("state", ApplicationState), name="state"),
        CheckConstraint("(form IS NULL) = (form_digest IS NULL)", name="form_has_digest"),
        CheckConstraint("(due_on IS NULL) OR (received_on IS NOT NULL)", name="clock_needs_receipt"),
        CheckConstraint("requester_id <> provider_id", name="two_agencies"),
        Index("ix_application_provider_id_state", "provider_id", "state", "due_on"),
        Index("ix_application_requester_id_state", "requester_id", "state", "created_at"),
    )

    id: Mapped[Identity]
    number: Mapped[str | None]
    state: Mapped[Code] = mapped_column(default=ApplicationState.DRAFT)
    lock_version: Mapped[int] = mapped_column(Integer)
    requester_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    provider_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    resource_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource_version.id"), index=True)
    scope: Mapped[Prose]
    purpose: Mapped[Prose]
    duty: Mapped[Prose]
    """The legal duty for which the data is needed (履职依据, R34)."""
    modes: Mapped[JsonList]
    row_condition: Mapped[Json] = mapped_column(default=dict)
    """``{}`` for all rows, or ``{"field": "...", "operator": "EQUALS|IN|PREFIX", "values": ["..."]}``."""
    term_to: Mapped[date]
    quota_rows: Mapped[int | None]
    rule_set: Mapped[Code]
    applied_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    form: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    form_digest: Mapped[str | None]
    form_generated_at: Mapped[Moment | None]
    received_on: Mapped[date | None]
    due_on: Mapped[date | None]
    due_provisional: Mapped[bool] = mapped_column(default=False)
    calendar_versions: Mapped[JsonList] = mapped_column(default=list)
    state_reason: Mapped[Prose] = mapped_column(default="")
    """Why it was closed, where somebody closed it."""

    requester: Mapped[Agency] = relationship(foreign_keys=[requester_id])
    provider: Mapped[Agency] = relationship(foreign_keys=[provider_id])
    resource_version: Mapped[ResourceVersion] = relationship()
    items: Mapped[list["ApplicationItem"]] = relationship(back_populates="application", cascade="all, delete-orphan")
    hand_overs: Mapped[list["HandOver"]] = relationship(back_populates="application", order_by="HandOver.recorded_at")
    receipt: Mapped["WrittenReceipt | None"] = relationship(back_populates="application")
    answers: Mapped[list["Answer"]] = relationship(back_populates="application", order_by="Answer.round")
    __mapper_args__ = {"version_id_col": lock_version}


class ApplicationItem(Base):
    """One data item applied for."""

    __tablename__ = "application_item"

    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    data_item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("data_item.id"), primary_key=True)
    application: Mapped[Application] = relationship(back_populates="items")
    data_item: Mapped[DataItem] = relationship()


class HandOver(Base):
    """The requester's record that the paper went over, with proof; it does not start the clock by itself."""

    __tablename__ = "hand_over"

    id: Mapped[Identity]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.id"), index=True)
    handed_over_on: Mapped[date]
    proof: Mapped[Line]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[Moment] = mapped_column(default=system_now)
    application: Mapped[Application] = relationship(back_populates="hand_overs")


class WrittenReceipt(Base):
    """The registered receipt (书面件收讫) of the written form: it starts the ten working days (R39)."""

    __tablename__ = "written_receipt"

    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    received_on: Mapped[date]
    receiver: Mapped[Line]
    registered_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    registered_at: Mapped[Moment] = mapped_column(default=system_now)
    settled_by_office: Mapped[bool] = mapped_column(default=False)
    application: Mapped[Application] = relationship(back_populates="receipt")


class Answer(Base):
    """The provider's answer (答复意见): round 1, and further rounds where a conclusion directs a new one."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("application_id", "round"),)

    id: Mapped[Identity]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.id"), index=True)
    round: Mapped[int] = mapped_column(Integer)
    number: Mapped[Code]
    reason: Mapped[Prose]
    answered_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[Moment] = mapped_column(default=system_now)
    answered_on: Mapped[date]
    """The day by the case clock; ``late`` compares it with the day the answer was due."""
    late: Mapped[bool]
    application: Mapped[Application] = relationship(back_populates="answers")
    items: Mapped[list["AnswerItem"]] = relationship(back_populates="answer", cascade="all, delete-orphan")


class AnswerItem(Base):
    """The decision on one item, with its reason; a refusal names law, regulation or rule ([M] Art. 14)."""

    __tablename__ = "answer_item"
    __table_args__ = (
        CheckConstraint(one_of("decision", Decision), name="decision"),
        CheckConstraint("decision <> 'REFUSED' OR basis IS NOT NULL", name="refusal_needs_basis"),
        CheckConstraint("reason <> ''", name="reason_given"),
    )

    answer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("answer.id"), primary_key=True)
    data_item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("data_item.id"), primary_key=True)
    decision: Mapped[Code]
    reason: Mapped[Prose]
    basis: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    answer: Mapped[Answer] = relationship(back_populates="items")
    data_item: Mapped[DataItem] = relationship()
