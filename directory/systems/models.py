"""Information systems of agencies (R9): the owners of sources."""

import uuid

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Line, Moment
from directory.agencies.models import Agency


class System(Base):
    """An information system of an agency (信息系统)."""

    __tablename__ = "system"
    __table_args__ = (UniqueConstraint("agency_id", "name"),)

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"))
    name: Mapped[Line]
    network: Mapped[Code] = mapped_column(default="GOVERNMENT_EXTRANET")
    created_at: Mapped[Moment] = mapped_column(default=system_now)
    agency: Mapped[Agency] = relationship()
