"""Which witnesses agree, up to which entry, and whether they are enough: for pages, commands and verification."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.models import LogCheckpoint
from audit.standing import configured_grace
from audit.witness.collect import key_hash
from audit.witness.models import CONTRADICTIONS, LogWitness
from audit.witness.policy import Policy, read_policy

_policy: list[Policy] = []


@dataclass(frozen=True)
class WitnessStanding:
    """A witness of the policy.

    Attributes:
        name: in the policy.
        size: it agrees to the first so many entries.
        agreed_at: when it did, by its own clock; None before the first time.
        problem: ``AWAY``, ``UNKNOWN``, ``REFUSED``, ``BEHIND``, or empty.
        since: since when that is so.
    """

    name: str
    size: int
    agreed_at: datetime | None
    problem: str
    since: datetime | None

    @property
    def contradicts(self) -> bool:
        """Whether it says that the log is not what it was."""
        return self.problem in CONTRADICTIONS


@dataclass(frozen=True)
class Agreement:
    """What the witnesses of the policy say.

    Attributes:
        witnesses: each of them, in the policy's order; none when the site has no policy.
        size: as many entries as enough of them agree to.
        lacking_since: when the first checkpoint was signed that too few agree to; None where enough agree to the last.
    """

    witnesses: tuple[WitnessStanding, ...] = ()
    size: int = 0
    lacking_since: datetime | None = None

    @property
    def lacking(self) -> bool:
        """Whether too few have agreed for longer than the log itself may be behind."""
        return self.lacking_since is not None and system_now() - self.lacking_since > configured_grace()

    @property
    def contradicted(self) -> bool:
        """Whether one says that the log is not what it was."""
        return any(witness.contradicts for witness in self.witnesses)


def configure(path: str) -> None:
    """Set the policy of this process; every edge calls it at its start. An empty path means that there is none.

    Raises:
        Misconfigured: the policy cannot be used.
    """
    _policy[:] = [read_policy(Path(path))] if path else []


def policy_in_use() -> Policy | None:
    """The policy of this process, if its site has one."""
    return _policy[0] if _policy else None


def agreement(session: Session) -> Agreement:
    """What the witnesses of this process's policy said last."""
    if not _policy:
        return Agreement()
    rows = {row.key_hash: row for row in session.scalars(select(LogWitness))}
    witnesses = []
    for witness in _policy[0].witnesses.values():
        row = rows.get(key_hash(witness.key))
        if row is None:
            witnesses.append(WitnessStanding(witness.name, 0, None, "", None))
        else:
            said = (row.size, row.agreed_at, row.problem, row.problem_since)
            witnesses.append(WitnessStanding(witness.name, *said))
    sizes = {witness.name: witness.size for witness in witnesses if not witness.contradicts}
    size = _policy[0].agreed_size(sizes)
    asks = bool(witnesses) and not _policy[0].agreed(())  # the quorum may be none: then none is lacking
    return Agreement(tuple(witnesses), size, _first_beyond(session, size) if asks else None)


def _first_beyond(session: Session, size: int) -> datetime | None:
    """When the first larger checkpoint was signed; one of a clock that ran ahead would hide for how long."""
    later = select(LogCheckpoint.signed_at).where(LogCheckpoint.size > size, LogCheckpoint.signed_at <= system_now())
    return session.scalar(later.order_by(LogCheckpoint.size).limit(1))
