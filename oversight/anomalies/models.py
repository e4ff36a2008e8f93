"""What was found unusual, how far the log was looked through, and what the rules remember of grants and accounts."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Count, Identity, Json, JsonList, Line, Moment, Prose, one_of
from schemas.anomaly_rules import Rule


class AnomalyState(StrEnum):
    """OPEN until an auditor dismisses it or acts on it, both for good."""

    OPEN = "OPEN"
    DISMISSED = "DISMISSED"
    ACTED = "ACTED"


class Anomaly(Base):
    """Something unusual about a grant or an account.

    Attributes:
        key: what was found when, so that it is found once.
        finding: name of its sentence; ``measured`` fills it in.
        revision: of the rule at that time, 0 for the release's own; ``figures`` are the rule's then.
        entries: evidence it rests on, the latest 20; ids without a foreign key, since entries move to the archive.
        first_seen, last_seen: when the oldest and the latest of it happened.
        reason: why it was dismissed, or why the grant was suspended.
    """

    __tablename__ = "anomaly"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(one_of("rule", Rule), name="rule"),
        CheckConstraint(one_of("state", AnomalyState), name="state"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        CheckConstraint("(state = 'OPEN') = (decided_at IS NULL)", name="decided"),
        Index("ix_anomaly_state_score", "state", "score", "found_at", "id"),
        Index("ix_anomaly_found_at", "found_at", "id"),
    )

    id: Mapped[Identity]
    key: Mapped[Line]
    rule: Mapped[Code]
    revision: Mapped[int]
    figures: Mapped[Json]
    finding: Mapped[Code]
    measured: Mapped[Json]
    score: Mapped[int]
    state: Mapped[Code] = mapped_column(default=AnomalyState.OPEN)
    grant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("access_grant.id"), index=True)
    agency_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency.id"), index=True)
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    client_id: Mapped[Code] = mapped_column(default="")
    entries: Mapped[JsonList]
    first_seen: Mapped[Moment]
    last_seen: Mapped[Moment]
    found_at: Mapped[Moment] = mapped_column(default=system_now)
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[Moment | None]
    reason: Mapped[Prose] = mapped_column(default="")


class AnomalyRuleChange(Base):
    """A rule as the site set it, dated; the highest revision governs, the release's own rule before the first."""

    __tablename__ = "anomaly_rule"
    __table_args__ = (
        UniqueConstraint("rule", "revision"),
        CheckConstraint(one_of("rule", Rule), name="rule"),
        CheckConstraint("revision > 0", name="revision"),
    )

    id: Mapped[Identity]
    rule: Mapped[Code]
    revision: Mapped[int]
    enabled: Mapped[bool]
    figures: Mapped[Json]
    reason: Mapped[Prose]
    changed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    changed_at: Mapped[Moment] = mapped_column(default=system_now)


class LookedThrough(Base):
    """How many entries of the log were looked through, by their numbers, which have no gap and are given once."""

    __tablename__ = "anomaly_looked_through"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[Count]


class GrantUse(Base):
    """How much an agency used a grant in an hour: the history that a day is compared with."""

    __tablename__ = "grant_use"

    grant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("access_grant.id"), primary_key=True)
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    calls: Mapped[Count]
    rows: Mapped[Count]


class Remembered(Base):
    """What the rules remember of an account, or of a grant with its agency; small, and without personal values.

    ``content`` is as ``oversight.anomalies.memory`` writes it: network addresses are keyed tokens there.
    """

    __tablename__ = "anomaly_memory"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    content: Mapped[Json]
