"""Deliveries asked for by a requester and carried out through the one door; their acknowledgements (R44, R49)."""

import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, JSONB, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Identity, Line, Moment, Prose, one_of
from exchange.grants.models import Grant
from schemas.words import Mode


class DeliveryState(StrEnum):
    """REQUESTED → PREPARED (the file or package lies ready) → DELIVERED → ACKNOWLEDGED; FAILED or REVOKED."""

    REQUESTED = "REQUESTED"
    PREPARED = "PREPARED"
    DELIVERED = "DELIVERED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    FAILED = "FAILED"
    REVOKED = "REVOKED"


class FileFormat(StrEnum):
    """Formats of a delivered file; PACKAGE is the offline package."""

    PARQUET = "PARQUET"
    CSV = "CSV"
    PACKAGE = "PACKAGE"


class Delivery(Base):
    """One file or offline package for one agency under one grant; Airflow prepares it."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint(one_of("mode", Mode), name="mode"),
        CheckConstraint(one_of("format", FileFormat), name="format"),
        CheckConstraint(one_of("state", DeliveryState), name="state"),
        CheckConstraint("state IN ('REQUESTED', 'FAILED') OR sha256 <> ''", name="prepared_has_digest"),
        Index("ix_delivery_agency_id", "agency_id", "requested_at"),
    )

    id: Mapped[Identity]
    number: Mapped[Code]
    grant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_grant.id"), index=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    mode: Mapped[Code]
    format: Mapped[Code]
    state: Mapped[Code] = mapped_column(default=DeliveryState.REQUESTED)
    purpose: Mapped[Prose]
    matter: Mapped[Line]
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    requested_client: Mapped[Code] = mapped_column(default="")
    requested_at: Mapped[Moment] = mapped_column(default=system_now)
    release_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("release.id"))
    work_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work.id"))
    object_key: Mapped[Line] = mapped_column(default="")
    file_name: Mapped[Line] = mapped_column(default="")
    rows: Mapped[Count] = mapped_column(default=0)
    bytes: Mapped[Count] = mapped_column(default=0)
    sha256: Mapped[Code] = mapped_column(default="")
    recipient_key_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency_key.id"))
    statement: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    prepared_at: Mapped[Moment | None]
    sent: Mapped[list[Range[int]]] = mapped_column(INT8MULTIRANGE, server_default="{}", deferred=True)
    """Bytes of the file that have left, in whatever fetches; it is delivered when they cover it."""
    delivered_at: Mapped[Moment | None]
    problem: Mapped[Prose] = mapped_column(default="")
    grant: Mapped[Grant] = relationship()
    acknowledgement: Mapped["Acknowledgement | None"] = relationship(back_populates="delivery")


class Acknowledgement(Base):
    """The receiver's receipt (交付回执); for a package it is signed with the agency's own key."""

    __tablename__ = "acknowledgement"

    delivery_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    sha256: Mapped[Code]
    accepted: Mapped[bool]
    remark: Mapped[Prose] = mapped_column(default="")
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The receipt of a package, as it was signed."""
    key_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency_key.id"))
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    acknowledged_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    acknowledged_at: Mapped[Moment] = mapped_column(default=system_now)
    delivery: Mapped[Delivery] = relationship(back_populates="acknowledgement")
