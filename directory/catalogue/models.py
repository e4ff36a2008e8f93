"""The resource catalogue: resources, their versions, data items, reviews (R14 to R29, R52, R121)."""

import uuid
from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, JsonList, Line, Moment, Prose, one_of
from directory.agencies.models import Agency
from directory.systems.models import System
from schemas.words import OpenAttribute, Sensitivity, ShareAttribute


class VersionState(StrEnum):
    """States of a catalogue version. The published one stays in force while the next is in review."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    RETURNED = "RETURNED"
    APPROVED = "APPROVED"
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"


class UniversalGround(StrEnum):
    """Why data is shared universally ([M] Art. 8¶2; R15)."""

    BASIC_DATA = "BASIC_DATA"
    PROVIDER_DECIDED = "PROVIDER_DECIDED"
    LEADING_GROUP_DECIDED = "LEADING_GROUP_DECIDED"


class Resource(Base):
    """The identity of a catalogue entry (目录条目): its code and its agency. Everything else is in versions."""

    __tablename__ = "resource"
    __table_args__ = (UniqueConstraint("code"),)

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    code: Mapped[Code]
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    agency: Mapped[Agency] = relationship()
    versions: Mapped[list["ResourceVersion"]] = relationship(
        back_populates="resource", order_by="ResourceVersion.number"
    )


class ResourceVersion(Base):
    """One version of a catalogue entry (目录版本) and its state.

    ``lock_version`` rises with every change; a form that was filled from an older one is refused as stale.
    """

    __tablename__ = "resource_version"
    __table_args__ = (
        UniqueConstraint("resource_id", "number"),
        CheckConstraint(one_of("state", VersionState), name="state"),
        CheckConstraint(one_of("share_attribute", ShareAttribute), name="share_attribute"),
        Index("uq_resource_version_published", "resource_id", unique=True, postgresql_where="state = 'PUBLISHED'"),
        Index(
            "uq_resource_version_in_progress",
            "resource_id",
            unique=True,
            postgresql_where="state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED')",
        ),
        Index("ix_resource_version_state", "state", "published_at"),
    )

    id: Mapped[Identity]
    resource_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[Code] = mapped_column(default=VersionState.DRAFT)
    lock_version: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    """Rises with every change of content; a review counts for the revision that it read."""
    name: Mapped[Line]
    abstract: Mapped[Prose]
    keywords: Mapped[JsonList] = mapped_column(default=list)
    resource_class: Mapped[Code]
    theme: Mapped[Code] = mapped_column(default="")
    classification_code: Mapped[Code]
    system_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("system.id"))
    format: Mapped[Code]
    update_cycle: Mapped[Code]
    subject_kind: Mapped[Code] = mapped_column(default="OTHER")
    modes: Mapped[JsonList]
    parallel_approval: Mapped[bool] = mapped_column(default=False)
    secrecy_level: Mapped[Code] = mapped_column(default="NON_SECRET")
    network: Mapped[Code] = mapped_column(default="GOVERNMENT_EXTRANET")
    share_attribute: Mapped[Code]
    ground: Mapped[Code] = mapped_column(default="")
    rule_set: Mapped[Code]
    compiled_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    compilers: Mapped[JsonList] = mapped_column(default=list)
    """Ids, as text, of everyone who had a hand in the content; none of them may review it (R24)."""
    search_text: Mapped[Prose] = mapped_column(default="", deferred=True)
    """Names, abstract, keywords and item names in small letters, for the catalogue search."""
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    changed_on: Mapped[date | None]
    """The day on which the described thing changed in reality; starts the two working days of Art. 10."""
    submitted_at: Mapped[Moment | None]
    published_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]

    resource: Mapped[Resource] = relationship(back_populates="versions")
    system: Mapped[System | None] = relationship()
    items: Mapped[list["DataItem"]] = relationship(
        back_populates="version", order_by="DataItem.position", cascade="all, delete-orphan"
    )
    reviews: Mapped[list["Review"]] = relationship(back_populates="version", order_by="Review.reviewed_at")
    secrecy_reviews: Mapped[list["SecrecyReview"]] = relationship(
        back_populates="version", order_by="SecrecyReview.reviewed_at"
    )
    __mapper_args__ = {"version_id_col": lock_version}


class DataItem(Base):
    """A data item (数据项) with its own share and open attribute. ``field_name`` names it in data and grants."""

    __tablename__ = "data_item"
    __table_args__ = (
        UniqueConstraint("version_id", "field_name"),
        UniqueConstraint("version_id", "position"),
        CheckConstraint(one_of("share_attribute", ShareAttribute), name="share_attribute"),
        CheckConstraint(one_of("open_attribute", OpenAttribute), name="open_attribute"),
        CheckConstraint(one_of("sensitivity", Sensitivity), name="sensitivity"),
        CheckConstraint("share_attribute <> 'NO_SHARING' OR basis IS NOT NULL", name="no_sharing_needs_basis"),
        CheckConstraint("share_attribute <> 'ON_REQUEST' OR share_condition <> ''", name="on_request_needs_condition"),
    )

    id: Mapped[Identity]
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource_version.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[Line]
    field_name: Mapped[Code]
    data_type: Mapped[Code]
    length: Mapped[int | None] = mapped_column(Integer)
    scale: Mapped[int | None] = mapped_column(Integer)
    nullable: Mapped[bool] = mapped_column(default=True)
    description: Mapped[Prose] = mapped_column(default="")
    share_attribute: Mapped[Code]
    share_condition: Mapped[Prose] = mapped_column(default="")
    basis: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    open_attribute: Mapped[Code]
    sensitivity: Mapped[Code] = mapped_column(default=Sensitivity.NONE)
    identifier_kind: Mapped[str | None]
    on_mismatch: Mapped[Code] = mapped_column(default="SET_ASIDE")
    masking: Mapped[str | None]
    code_list: Mapped[str | None]
    is_key: Mapped[bool] = mapped_column(default=False)
    """Part of the key that tells rows apart and that interface look-ups use."""
    version: Mapped[ResourceVersion] = relationship(back_populates="items")


class Review(Base):
    """A reviewer's decision on one version, entry by entry, in three criteria ([M] Art. 10)."""

    __tablename__ = "review"

    id: Mapped[Identity]
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource_version.id"), index=True)
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[Moment] = mapped_column(default=system_now)
    revision: Mapped[int] = mapped_column(Integer)
    accurate: Mapped[bool]
    complete: Mapped[bool]
    compliant: Mapped[bool]
    comment: Mapped[Prose] = mapped_column(default="")
    reasons: Mapped[JsonList] = mapped_column(default=list)
    """For a return: ``[{"path": "items/3/share_condition", "reason": "…"}]``."""
    version: Mapped[ResourceVersion] = relationship(back_populates="reviews")


class SecrecyReview(Base):
    """The providing agency's secrecy review before publication ([M] Art. 19, R52)."""

    __tablename__ = "secrecy_review"

    id: Mapped[Identity]
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource_version.id"), index=True)
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    reviewed_at: Mapped[Moment] = mapped_column(default=system_now)
    revision: Mapped[int] = mapped_column(Integer)
    passed: Mapped[bool]
    document: Mapped[Line]
    comment: Mapped[Prose] = mapped_column(default="")
    version: Mapped[ResourceVersion] = relationship(back_populates="secrecy_reviews")


class CatalogueChange(Base):
    """A change of what a published entry describes, as it happened; the entry is updated by ``due_on`` (R28).

    Attributes:
        happened_on: the day of the change in reality, from which the working days run.
        what: what changed; "" when a next version was started without saying.
        updated_on: the day on which the version that says so was handed in: the update operation.
        closed_on: the day on which that version was published, or the entry withdrawn.
    """

    __tablename__ = "catalogue_change"
    __table_args__ = (Index("ix_catalogue_change_open", "due_on", "id", postgresql_where="closed_on IS NULL"),)

    id: Mapped[Identity]
    resource_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource.id"), index=True)
    happened_on: Mapped[date]
    what: Mapped[Prose]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[Moment] = mapped_column(default=system_now)
    rule_set: Mapped[Code]
    due_on: Mapped[date]
    due_provisional: Mapped[bool]
    calendar_versions: Mapped[JsonList]
    updated_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    resource: Mapped[Resource] = relationship()


class ResourceCounter(Base):
    """The last sequence number given within a classification; locked while one is taken, so there are no gaps."""

    __tablename__ = "resource_counter"

    classification: Mapped[Code] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(Integer)
