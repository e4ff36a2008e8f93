"""Sources attached (挂接) to resources: where the data of an entry comes from (R10)."""

import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Json, Moment, one_of
from directory.catalogue.models import Resource


class Connector(StrEnum):
    """Kinds of sources that the hub can read; one folder or file each in ``adapters/connectors``."""

    POSTGRESQL = "POSTGRESQL"
    CSV = "CSV"


class Source(Base):
    """The source of a resource. ``config`` holds what is not secret, ``sealed`` the secrets, encrypted.

    POSTGRESQL: config ``{host, port, database, schema, table, columns: {field_name: column}, partition_column?}``,
    sealed ``{user, password}``. CSV: config ``{object_key, encoding, columns: {field_name: header}, sha256, bytes}``.
    """

    __tablename__ = "source"
    __table_args__ = (
        CheckConstraint(one_of("connector", Connector), name="connector"),
        Index("uq_source_current", "resource_id", unique=True, postgresql_where="detached_at IS NULL"),
    )

    id: Mapped[Identity]
    resource_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource.id"), index=True)
    connector: Mapped[Code]
    config: Mapped[Json]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    attached_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    attached_at: Mapped[Moment] = mapped_column(default=system_now)
    detached_at: Mapped[Moment | None]
    resource: Mapped[Resource] = relationship()
