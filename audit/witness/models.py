"""What the hub knows of its witnesses. The app role writes it: a cosignature proves itself."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.database import Base, Code, Count, Line, Moment, Prose

AWAY = "AWAY"
"""It did not answer, or with something that is no answer."""
UNKNOWN = "UNKNOWN"
"""It does not know this log, or not its keys."""
REFUSED = "REFUSED"
"""It says that this log does not continue what it cosigned: a fork, or a rewritten history."""
BEHIND = "BEHIND"
"""It has cosigned more entries than this log has: the log was cut back, or an older database was put in its place."""
CONTRADICTIONS = (REFUSED, BEHIND)


class LogWitness(Base):
    """A witness that the policy named: what it agreed to last, and what is wrong between it and this log."""

    __tablename__ = "log_witness"
    __table_args__ = (CheckConstraint("problem IN ('', 'AWAY', 'UNKNOWN', 'REFUSED', 'BEHIND')", name="problem"),)

    key_hash: Mapped[Code] = mapped_column(primary_key=True)
    name: Mapped[Line]
    size: Mapped[Count] = mapped_column(default=0)
    agreed_at: Mapped[Moment | None]
    problem: Mapped[Code] = mapped_column(default="")
    problem_since: Mapped[Moment | None]
    its_size: Mapped[Count] = mapped_column(default=0)


class LogCosignature(Base):
    """A cosignature line of a witness on the checkpoint of that size."""

    __tablename__ = "log_cosignature"

    size: Mapped[Count] = mapped_column(primary_key=True, autoincrement=False)
    key_hash: Mapped[Code] = mapped_column(primary_key=True)
    line: Mapped[Prose]
    cosigned_at: Mapped[Moment]
