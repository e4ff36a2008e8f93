"""Tables of the blind index. The app role may insert and read their rows, never change or delete them.

None of them refers to another by a foreign key: they are written beside busy statements, and looking up what the same
statement has just inserted would be paid with every call. They help to find entries and prove nothing: what proves is
the entry, whose encrypted part has what was asked by and a digest of the tokens of whom rows named, or of the list that
it names first (``audit.subjects.compared``).
"""

import uuid

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Identity, Moment


class EvidenceSubject(Base):
    """That an entry concerns a data subject, or the subjects of an extract.

    Attributes:
        token: the subject's (``audit.subjects.blind``), or the 16 bytes of an extract's id.
        recorded_at: the entry's own moment.
    """

    __tablename__ = "evidence_subject"
    __table_args__ = (CheckConstraint("octet_length(token) = 16", name="token_size"),)

    token: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    recorded_at: Mapped[Moment] = mapped_column(primary_key=True)
    evidence_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)


class SubjectExtract(Base):
    """The data subjects of the rows of one dataset version that meet one row condition, listed once for all
    deliveries of them.

    Attributes:
        condition: keyed digest of the row condition.
        rows: how many rows left, the first ones in load order; a quota may end before the data does.
        subjects: how many different ones they name.
    """

    __tablename__ = "subject_extract"
    __table_args__ = (UniqueConstraint("dataset_version_id", "condition", "rows"),)

    id: Mapped[Identity]
    dataset_version_id: Mapped[uuid.UUID]
    condition: Mapped[Code]
    rows: Mapped[Count]
    subjects: Mapped[Count]
    made_at: Mapped[Moment] = mapped_column(default=system_now)


class ExtractSubject(Base):
    """That an extract names a data subject."""

    __tablename__ = "extract_subject"
    __table_args__ = (
        CheckConstraint("octet_length(token) = 16", name="token_size"),
        Index("ix_extract_subject_extract_id_token", "extract_id", "token"),
    )

    token: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    extract_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
