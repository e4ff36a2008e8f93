"""Tables of the searches' index. The sequencer's role writes them; the app role may only read them.

Numbered entries are indexed 4,096 at a time, a step. What a search finds through them is read from ``evidence`` itself
and tested again, so that they can hide an entry, but not make one up.
"""

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from adapters.database import Base, Count, Moment


class EvidenceStep(Base):
    """Entries that are indexed together, in the order of their moments and ids, which are their ranks.

    Attributes:
        step: counted from 0.
        end_index: the entries' numbers in the log are all below this one.
        oldest, newest: moments of the first and the last one.
        places: for each entry 24 bytes, ``audit.search_index.places``.
    """

    __tablename__ = "evidence_step"
    __table_args__ = (CheckConstraint("octet_length(places) = 24 * 4096", name="places_size"),)

    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    end_index: Mapped[Count]
    oldest: Mapped[Moment]
    newest: Mapped[Moment]
    places: Mapped[bytes] = mapped_column(LargeBinary)


class EvidencePosting(Base):
    """The entries of a run of steps that have a value, or one of the values of a bucket (``audit.search_index.terms``).

    Attributes:
        term: stands for the value or the bucket.
        run: its steps are those from 64 times this on.
        part: which one of them, or 64 for all.
        entries: records, ``terms.FREQUENT`` of a value and ``terms.RARE`` of a bucket.
    """

    __tablename__ = "evidence_posting"
    __table_args__ = (Index("ix_evidence_posting_parts", "run", postgresql_where="part < 64"),)

    term: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    run: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    entries: Mapped[bytes] = mapped_column(LargeBinary)
