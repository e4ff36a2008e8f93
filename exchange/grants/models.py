"""Grants (授权): what the one door reads, and the releases it made under them."""

import uuid
from datetime import date
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Identity, Json, JsonList, Line, Moment, Prose, one_of
from directory.catalogue.models import Resource, ResourceVersion
from exchange.agreements.models import Agreement
from schemas.words import Mode


class GrantState(StrEnum):
    """ACTIVE ↔ SUSPENDED, then ENDED for good (expired, terminated, superseded)."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


class Suspender(StrEnum):
    """Who suspended a grant: what the security administrator stopped, the provider cannot start again."""

    NOBODY = "NOBODY"
    PROVIDER = "PROVIDER"
    SECURITY = "SECURITY"
    HUB = "HUB"


class Grant(Base):
    """A right to receive named items of one resource. Of an application at most one lives; a wider one takes its place.

    ``requester_id`` is None for the standing grant of UNIVERSAL items, which is every agency's.

    Attributes:
        items: field names, in catalogue order.
        row_condition: as in Application.
        modes: words of ``schemas.words.Mode``.
        quota_rows: rows that may leave in all, None for no limit; of a limited grant ``used_rows`` are charged already.
        suspended_by: who holds it shut; of an ended one SECURITY stays, for the grant that takes its place.
    """

    __tablename__ = "access_grant"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint(one_of("state", GrantState), name="state"),
        CheckConstraint(one_of("suspended_by", Suspender), name="suspended_by"),
        CheckConstraint(
            "state = 'ENDED' OR (state = 'SUSPENDED') = (suspended_by <> 'NOBODY')", name="suspended_by_somebody"
        ),
        CheckConstraint("(requester_id IS NULL) = (application_id IS NULL)", name="standing_or_applied"),
        CheckConstraint("jsonb_array_length(items) > 0", name="some_items"),
        CheckConstraint("used_rows >= 0", name="used_not_negative"),
        Index(
            "uq_access_grant_standing",
            "resource_id",
            unique=True,
            postgresql_where="requester_id IS NULL AND state <> 'ENDED'",
        ),
        Index("uq_access_grant_live", "application_id", unique=True, postgresql_where="state <> 'ENDED'"),
        Index("ix_access_grant_application_id", "application_id"),
        Index("ix_access_grant_requester_id_state", "requester_id", "state"),
    )

    id: Mapped[Identity]
    number: Mapped[Code]
    state: Mapped[Code] = mapped_column(default=GrantState.ACTIVE)
    resource_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource.id"), index=True)
    resource_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource_version.id"))
    requester_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency.id"))
    provider_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    application_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("application.id"))
    agreement_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agreement.id"))
    items: Mapped[JsonList]
    row_condition: Mapped[Json] = mapped_column(default=dict)
    modes: Mapped[JsonList]
    purpose: Mapped[Prose]
    quota_rows: Mapped[int | None] = mapped_column(BigInteger)
    used_rows: Mapped[Count] = mapped_column(default=0)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    ended_at: Mapped[Moment | None]
    state_reason: Mapped[Prose] = mapped_column(default="")
    suspended_by: Mapped[Code] = mapped_column(default=Suspender.NOBODY)
    resource: Mapped[Resource] = relationship()
    resource_version: Mapped[ResourceVersion] = relationship()
    agreement: Mapped[Agreement | None] = relationship()


class ReleaseState(StrEnum):
    """AUTHORISED when the door opened, then COMPLETED, ABORTED, or UNKNOWN when a crash left it open."""

    AUTHORISED = "AUTHORISED"
    COMPLETED = "COMPLETED"
    ABORTED = "ABORTED"
    UNKNOWN = "UNKNOWN"


class ReleaseRecord(Base):
    """What the one door let out under a grant: one row per opening of the door."""

    __tablename__ = "release"
    __table_args__ = (
        CheckConstraint(one_of("state", ReleaseState), name="state"),
        CheckConstraint(one_of("mode", Mode), name="mode"),
        CheckConstraint("state <> 'COMPLETED' OR digest <> ''", name="completed_has_digest"),
        Index("ix_release_open", "authorised_at", postgresql_where="state = 'AUTHORISED'"),
        Index("ix_release_agency_id", "agency_id", "authorised_at"),
        Index("ix_release_grant_id", "grant_id", "authorised_at"),
        Index("ix_release_delivery_id", "delivery_id", "authorised_at", postgresql_where="delivery_id IS NOT NULL"),
    )

    id: Mapped[Identity]
    grant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_grant.id"))
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    dataset_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dataset_version.id"))
    mode: Mapped[Code]
    state: Mapped[Code] = mapped_column(default=ReleaseState.AUTHORISED)
    purpose: Mapped[Prose]
    matter: Mapped[Line]
    """The case the receiver handles with the data (办件编号), as stated on each call."""
    rows_reserved: Mapped[Count] = mapped_column(default=0)
    """Rows of a limited quota set aside while the door is open; what did not leave is given back at the close."""
    rows: Mapped[Count] = mapped_column(default=0)
    bytes: Mapped[Count] = mapped_column(default=0)
    digest: Mapped[Code] = mapped_column(default="")
    authorised_at: Mapped[Moment] = mapped_column(default=system_now)
    closed_at: Mapped[Moment | None]
    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"))
    extract_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("subject_extract.id"))
    """The list of the data subjects of a whole delivery; those of a call stand beside its entry."""
    delivery_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("delivery.id", use_alter=True))
    """The delivery whose bytes were fetched; None where the data itself was read."""
