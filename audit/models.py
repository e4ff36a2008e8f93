"""Tables of the evidence log. The app role may insert and read entries, never change or delete them.

An entry is written in the transaction of what it records, together with a row in ``evidence_queue``. The sequencer
takes committed queue rows, numbers them in ``log_leaf``, extends ``log_tile`` and signs ``log_checkpoint``.
"""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Line, Moment, Octets

LOG_LOCK = 0x5348_554E_4955_4C47
"""Advisory lock: held exclusively by the one sequencer at work, shared by who needs the log to stand still."""


class Evidence(Base):
    """One entry: the canonical bytes that are hashed into the log, and columns to find them by.

    Attributes:
        grant_number: of the grant that is its authority; "" when that is another.
        resource_code: the resource that it names among its facts, by code or id; "" for the steps of a case, whose
            application names it.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint("octet_length(body) <= 65535", name="body_size"),
        CheckConstraint("octet_length(leaf_hash) = 32", name="leaf_hash_size"),
        CheckConstraint("outcome IN ('DONE', 'REFUSED', 'FAILED')", name="outcome"),
        Index("ix_evidence_recorded_at_id", "recorded_at", "id"),
        Index("ix_evidence_subject", "subject", "recorded_at"),
        Index("ix_evidence_matter", "matter", "recorded_at", postgresql_where="matter <> ''"),
        Index("ix_evidence_agency_code", "agency_code", "recorded_at"),
        Index("ix_evidence_person_id", "person_id", "recorded_at"),
        Index("ix_evidence_kind", "kind", "recorded_at"),
        Index("ix_evidence_grant_number", "grant_number", "recorded_at", postgresql_where="grant_number <> ''"),
        Index("ix_evidence_resource_code", "resource_code", "recorded_at", postgresql_where="resource_code <> ''"),
        Index("ix_evidence_step", "matter", "recorded_at", postgresql_where="matter <> '' AND resource_code = ''"),
        Index("ix_evidence_not_done", "outcome", "recorded_at", "id", postgresql_where="outcome <> 'DONE'"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[Moment]
    kind: Mapped[Code]
    outcome: Mapped[Code]
    subject: Mapped[Line]
    matter: Mapped[Line] = mapped_column(default="")
    agency_code: Mapped[Code] = mapped_column(default="")
    person_id: Mapped[uuid.UUID | None]
    grant_number: Mapped[Code] = mapped_column(default="", server_default="")
    resource_code: Mapped[Code] = mapped_column(default="", server_default="")
    body: Mapped[Octets]
    leaf_hash: Mapped[Octets]


class EvidencePersonal(Base):
    """Personal details of an entry: encrypted under a key of their own, so that erasing the key erases them.

    The entry carries their commitment, which nobody can guess back (a random salt is inside the ciphertext).
    """

    __tablename__ = "evidence_personal"

    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evidence.id"), primary_key=True)
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    ciphertext: Mapped[Octets]


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
