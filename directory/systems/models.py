"""Information systems of agencies (R9): the owners of sources."""

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
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
    addresses: Mapped[list["SystemAddress"]] = relationship(back_populates="system", order_by="SystemAddress.host")


class SystemAddress(Base):
    """A network address at which the hub may call on a system; it calls on no other."""

    __tablename__ = "system_address"
    __table_args__ = (
        CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
        Index(
            "uq_system_address_current", "system_id", "host", "port", unique=True, postgresql_where="removed_at IS NULL"
        ),
    )

    id: Mapped[Identity]
    system_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("system.id"))
    host: Mapped[Line]
    port: Mapped[int] = mapped_column(Integer)
    added_at: Mapped[Moment] = mapped_column(default=system_now)
    removed_at: Mapped[Moment | None]
    system: Mapped[System] = relationship(back_populates="addresses")
