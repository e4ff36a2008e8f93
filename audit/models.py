"""Tables of the evidence log. The app role may insert and read entries, never change or delete them.

An entry is written in the transaction of what it records, together with a row in ``evidence_queue``. The sequencer
takes committed queue rows, numbers them in ``log_leaf``, extends ``log_tile`` and signs ``log_checkpoint``.
What grows most, the entries' texts, lies in partitions by month of its own, which are put into archives one day; what
entries are found by stays in ``evidence``, which every other table may refer to.
"""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, func, literal, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Line, Moment, Octets

LOG_LOCK = 0x5348_554E_4955_4C47
"""Advisory lock: held exclusively by the one sequencer at work, shared by who needs the log to stand still."""


class EvidenceText(Base):
    """The canonical bytes of an entry that are hashed into the log, and the ciphertext of its personal details.

    Partitioned by month of ``recorded_at`` (UTC). It has no foreign key to ``evidence``: both rows are written by one
    statement, and verification names a text that is missing.
    """

    __tablename__ = "evidence_text"
    __table_args__ = (
        CheckConstraint("octet_length(body) BETWEEN 1 AND 65535", name="body_size"),
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )

    recorded_at: Mapped[Moment] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    body: Mapped[Octets]
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)


class Evidence(Base):
    """One entry as it is found and referred to.

    Attributes:
        grant_number: of the grant that is its authority; "" when that is another.
        resource_code: the resource that it names among its facts, by code or id; "" for the steps of a case, whose
            application names it.
        body: its text; empty when that lies in an archive.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint("octet_length(leaf_hash) = 32", name="leaf_hash_size"),
        CheckConstraint("outcome IN ('DONE', 'REFUSED', 'FAILED')", name="outcome"),
        CheckConstraint("recorded_at >= '1970-01-01 00:00+00' AND recorded_at < '10000-01-01 00:00+00'", name="moment"),
        Index("ix_evidence_recorded_at_id", "recorded_at", "id"),
        Index("ix_evidence_subject", "subject", "recorded_at"),
        Index("ix_evidence_matter", "matter", "recorded_at", postgresql_where="matter <> ''"),
        Index("ix_evidence_agency_code", "agency_code", "recorded_at"),
        Index("ix_evidence_person_id", "person_id", "recorded_at"),
        Index("ix_evidence_kind", "kind", "recorded_at"),
        Index("ix_evidence_step", "matter", "recorded_at", postgresql_where="matter <> '' AND resource_code = ''"),
        Index("ix_evidence_not_done", "outcome", "recorded_at", "id", postgresql_where="outcome <> 'DONE'"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[Moment] = mapped_column()
    kind: Mapped[Code]
    outcome: Mapped[Code]
    subject: Mapped[Line]
    matter: Mapped[Line] = mapped_column(default="")
    agency_code: Mapped[Code] = mapped_column(default="")
    person_id: Mapped[uuid.UUID | None]
    grant_number: Mapped[Code] = mapped_column(default="", server_default="")
    resource_code: Mapped[Code] = mapped_column(default="", server_default="")
    leaf_hash: Mapped[Octets]
    body: Mapped[bytes] = column_property(
        func.coalesce(
            select(EvidenceText.body)
            .where(EvidenceText.recorded_at == recorded_at, EvidenceText.evidence_id == id)
            .limit(1)  # a second one that was planted is verification's to name
            .correlate_except(EvidenceText)
            .scalar_subquery(),
            literal(b"", LargeBinary),
        )
    )


class EvidencePersonal(Base):
    """The key of an entry's personal details, which are encrypted beside its text: erasing the key erases them.

    The entry carries their commitment, which nobody can guess back (a random salt is inside the ciphertext). Keys never
    go into archives, so that they can be erased there too. ``ciphertext`` is empty when it lies in an archive.
    """

    __tablename__ = "evidence_personal"

    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"), primary_key=True)
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes] = column_property(
        func.coalesce(
            select(EvidenceText.ciphertext)
            .join(
                Evidence, (Evidence.recorded_at == EvidenceText.recorded_at) & (Evidence.id == EvidenceText.evidence_id)
            )
            .where(Evidence.id == evidence_id)
            .limit(1)
            .correlate_except(EvidenceText, Evidence)
            .scalar_subquery(),
            literal(b"", LargeBinary),
        )
    )


class EvidenceQueue(Base):
    """Entries committed and not yet numbered. Their presence here, not their id, says that they wait."""

    __tablename__ = "evidence_queue"
    __table_args__ = (Index("ix_evidence_queue_queued_at_evidence_id", "queued_at", "evidence_id"),)

    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"), primary_key=True)
    queued_at: Mapped[Moment] = mapped_column(default=system_now)


class LogLeaf(Base):
    """The number of an entry in the log, without gaps from 0, given once."""

    __tablename__ = "log_leaf"
    __table_args__ = (CheckConstraint("leaf_index >= 0", name="not_negative"),)

    leaf_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"), unique=True)


class LogTile(Base):
    """Hash tiles of the Merkle tree (C2SP tlog-tiles): up to 256 hashes of 32 bytes; a partial one grows in place."""

    __tablename__ = "log_tile"
    __table_args__ = (CheckConstraint("octet_length(hashes) BETWEEN 32 AND 8192", name="hashes_size"),)

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[Octets]


class LogCheckpoint(Base):
    """A signed statement of the tree's size and root (C2SP tlog-checkpoint, signed note)."""

    __tablename__ = "log_checkpoint"

    size: Mapped[Count] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[Octets]
    note: Mapped[str]
    signed_at: Mapped[Moment]
