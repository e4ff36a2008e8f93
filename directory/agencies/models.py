"""Agencies and the names and codes they had before (R1, R2)."""

import uuid
from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Line, Moment, one_of


class AgencyKind(StrEnum):
    """Kinds of agencies under [M] Art. 2 and 3."""

    ADMINISTRATIVE_ORGAN = "ADMINISTRATIVE_ORGAN"
    AUTHORISED_ORGANISATION = "AUTHORISED_ORGANISATION"
    VERTICAL_ORGAN = "VERTICAL_ORGAN"


class AgencyLevel(StrEnum):
    """City, or a district that follows the same rules ([M] Art. 25)."""

    CITY = "CITY"
    DISTRICT = "DISTRICT"


class Office(StrEnum):
    """What an agency is to the hub ([M] Art. 4): most are plain members."""

    MEMBER = "MEMBER"
    COORDINATING_OFFICE = "COORDINATING_OFFICE"
    REGULATOR = "REGULATOR"
    AUDIT_OFFICE = "AUDIT_OFFICE"


class Agency(Base):
    """An agency (行政机构), known by its unified social credit code."""

    __tablename__ = "agency"
    __table_args__ = (
        UniqueConstraint("credit_code"),
        UniqueConstraint("short_code"),
        CheckConstraint(one_of("kind", AgencyKind), name="kind"),
        CheckConstraint(one_of("level", AgencyLevel), name="level"),
        CheckConstraint(one_of("office", Office), name="office"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="term"),
    )

    id: Mapped[Identity]
    credit_code: Mapped[Code]
    short_code: Mapped[Code]
    """Short Latin code used in document numbers, e.g. ``MZJ``."""
    name: Mapped[Line]
    name_en: Mapped[Line] = mapped_column(default="")
    kind: Mapped[Code] = mapped_column(default=AgencyKind.ADMINISTRATIVE_ORGAN)
    level: Mapped[Code] = mapped_column(default=AgencyLevel.CITY)
    office: Mapped[Code] = mapped_column(default=Office.MEMBER)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    former: Mapped[list["FormerAgencyName"]] = relationship(back_populates="agency", order_by="FormerAgencyName.until")


class FormerAgencyName(Base):
    """A name and code an agency bore until a day; old catalogue entries stay findable by them (R1)."""

    __tablename__ = "former_agency_name"

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    name: Mapped[Line]
    credit_code: Mapped[Code]
    until: Mapped[date]
    agency: Mapped[Agency] = relationship(back_populates="former")
