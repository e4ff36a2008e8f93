"""Tables of the edge itself: answers kept for repeated requests, refused callers nobody knows, settings of the site."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Identity, Json, Line, Moment, Octets


class IdempotencyKey(Base):
    """The answer to a creating request, kept so that its repetition gets the same one.

    Source: draft-ietf-httpapi-idempotency-key-header-07. The row is written in the transaction of what the request
    created, so there is never one without the other.
    """

    __tablename__ = "idempotency_key"
    __table_args__ = (
        UniqueConstraint("client", "route", "key", name="uq_idempotency_key_client_route_key"),
        CheckConstraint("octet_length(request_digest) = 32", name="request_digest_size"),
        CheckConstraint("octet_length(leaves) % 32 = 0", name="leaves_size"),
        Index("ix_idempotency_key_created_at", "created_at"),
    )

    id: Mapped[Identity]
    client: Mapped[Line]
    route: Mapped[Line]
    key: Mapped[Line]
    request_digest: Mapped[Octets]
    status: Mapped[int] = mapped_column(Integer)
    location: Mapped[Line] = mapped_column(default="")
    body: Mapped[Octets]
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    leaves: Mapped[Octets] = mapped_column(default=b"")
    """Leaf hashes of the request's evidence entries, one after the other: a repetition promises them again."""


class UnknownRefusal(Base):
    """How often callers nobody knows were turned away: one row per hour, code and process, never one per call.

    ``sum_id`` names the entry that tells the row's hour: its subject is ``refused_unknown/SUM_ID``.
    """

    __tablename__ = "unknown_refusal"
    __table_args__ = (CheckConstraint("times > 0", name="times"),)

    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    process: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    times: Mapped[Count]
    sum_id: Mapped[uuid.UUID | None]


class SiteSettings(Base):
    """What a component of the hub last started with, as the entry ``evidence_id`` tells it.

    One row per component, and one named ``schema`` with the version of the database. ``started_at`` is the moment of
    the last start that has an entry.
    """

    __tablename__ = "site_settings"

    component: Mapped[Code] = mapped_column(primary_key=True)
    settings: Mapped[Json]
    evidence_id: Mapped[uuid.UUID | None]
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
