"""Document numbers without gaps, per agency, kind and year (R118)."""

import uuid

from sqlalchemy import ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from adapters.database import Base, Code


class DocumentCounter(Base):
    """The last number given; the row is locked while a number is taken, so a rolled-back number is not lost."""

    __tablename__ = "document_counter"

    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    kind: Mapped[Code] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)
