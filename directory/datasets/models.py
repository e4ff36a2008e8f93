"""Loaded data: one row per version of a resource's Delta table."""

import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Identity, Json, Line, Moment, one_of
from directory.catalogue.models import Resource, ResourceVersion


class DatasetState(StrEnum):
    """LOADING → READY (in the lake) → SERVED (also in a serving table); FAILED when the load was given up."""

    LOADING = "LOADING"
    READY = "READY"
    SERVED = "SERVED"
    FAILED = "FAILED"


class DatasetVersion(Base):
    """A loaded version of a resource's data, with counts that reconcile: read = good + set aside = source.

    Attributes:
        resource_version_id: the catalogue version whose items the rows were checked against.
        location: path of the Delta table inside the bucket; ``delta_version`` its version.
        digest: SHA-256 over the digests of the files in load order, hex (``pipelines.digest``).
        set_aside_reasons: count of set-aside rows per reason code.
        set_aside_location: object key of the Parquet file of rows set aside, with reasons.
        serving_table: name of the table in the serving database, when served.
    """

    __tablename__ = "dataset_version"
    __table_args__ = (
        UniqueConstraint("resource_id", "number"),
        CheckConstraint(one_of("state", DatasetState), name="state"),
        CheckConstraint(
            "state IN ('LOADING', 'FAILED') OR rows_read = rows_good + rows_set_aside", name="counts_reconcile"
        ),
    )

    id: Mapped[Identity]
    resource_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource.id"), index=True)
    resource_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("resource_version.id"))
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[Code] = mapped_column(default=DatasetState.LOADING)
    location: Mapped[Line]
    delta_version: Mapped[int | None] = mapped_column(BigInteger)
    rows_source: Mapped[Count] = mapped_column(default=0)
    rows_read: Mapped[Count] = mapped_column(default=0)
    rows_good: Mapped[Count] = mapped_column(default=0)
    rows_set_aside: Mapped[Count] = mapped_column(default=0)
    set_aside_reasons: Mapped[Json] = mapped_column(default=dict)
    set_aside_location: Mapped[str | None]
    bytes: Mapped[Count] = mapped_column(default=0)
    digest: Mapped[Code] = mapped_column(default="")
    serving_table: Mapped[str | None]
    work_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work.id"))
    started_at: Mapped[Moment] = mapped_column(default=system_now)
    ready_at: Mapped[Moment | None]
    resource: Mapped[Resource] = relationship()
    resource_version: Mapped[ResourceVersion] = relationship()
