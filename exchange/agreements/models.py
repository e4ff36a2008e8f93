"""Security and secrecy agreements (政务数据资源共享安全保密协议, [M] Art. 15¶4; R42)."""

import uuid
from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Json, Moment, Prose, one_of
from exchange.applications.models import Application


class AgreementState(StrEnum):
    """PROPOSED until both sides have signed, then IN_FORCE; TERMINATED with a reason."""

    PROPOSED = "PROPOSED"
    IN_FORCE = "IN_FORCE"
    TERMINATED = "TERMINATED"


class Agreement(Base):
    """An agreement about one application. ``document`` is the frozen text that both sides sign, by its canonical bytes.

    An application has at most one that waits for signatures and one in force: a later answer that agrees to more items
    brings a new one, which takes the place of the old when both have signed.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint(one_of("state", AgreementState), name="state"),
        Index("uq_agreement_proposed", "application_id", unique=True, postgresql_where="state = 'PROPOSED'"),
        Index("uq_agreement_in_force", "application_id", unique=True, postgresql_where="state = 'IN_FORCE'"),
        Index("ix_agreement_application_id", "application_id"),
        Index("ix_agreement_state", "state", "created_at"),
    )

    id: Mapped[Identity]
    number: Mapped[Code]
    application_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("application.id"))
    state: Mapped[Code] = mapped_column(default=AgreementState.PROPOSED)
    document: Mapped[Json]
    digest: Mapped[Code]
    valid_to: Mapped[date]
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    in_force_at: Mapped[Moment | None]
    terminated_at: Mapped[Moment | None]
    termination_reason: Mapped[Prose] = mapped_column(default="")
    application: Mapped[Application] = relationship()
    signatures: Mapped[list["AgreementSignature"]] = relationship(back_populates="agreement")


class AgreementSignature(Base):
    """One side's signature: Ed25519 by the agency's own registered key over the document's canonical bytes."""

    __tablename__ = "agreement_signature"

    agreement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency_key.id"))
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    signed_at: Mapped[Moment] = mapped_column(default=system_now)
    agreement: Mapped[Agreement] = relationship(back_populates="signatures")
