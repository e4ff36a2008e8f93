"""Before the first signature of a process: does anybody know more of this log than this database does?

The object store is asked for its checkpoints, and every witness of the policy is offered the last one of the database.
A larger log that carries this log's own signature means that the database is an older one: whatever is signed on top of
it would be a second history. Others are asked first and the database last, so that a log that grows meanwhile is none.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.leaves import CHECKPOINT, COSIGNED, Source
from audit.log_keys import LogKeys
from audit.models import LOG_LOCK, LogCheckpoint
from audit.restoration.models import LogRestoration
from audit.witness.call import call
from audit.witness.policy import Policy, PolicyWitness
from audit.witness.submission import Submission

STORE = "the object store"
_AT_ONCE = 8


@dataclass(frozen=True)
class Seen:
    """How many entries somebody showed that the log has, and with which root (empty: a witness does not tell it)."""

    by: str
    size: int
    root: bytes = b""


def shown(source: Source, keys: LogKeys) -> tuple[Checkpoint, str] | None:
    """The largest checkpoint of this log that lies at a place, with its note; None when none does.

    Raises:
        Transient: the place does not answer.
    """
    found = []
    for name in (CHECKPOINT, COSIGNED):
        note = (source(name) or b"").decode(errors="replace")
        with suppress(InvalidInput):  # what this log did not sign says nothing about it
            found.append((open_checkpoint(note, keys.log, keys.log.name, keys.second), note))
    return max(found, key=lambda pair: pair[0].size, default=None)


def ask(session: Session, source: Source, keys: LogKeys, policy: Policy | None) -> list[Seen]:
    """Ask the store and the witnesses. A witness that is away is passed over; the store must answer.

    Raises:
        Transient: the store does not answer.
    """
    published = shown(source, keys)
    seen = [Seen(STORE, published[0].size, published[0].root)] if published else []
    last = _last(session)
    if policy is None or last is None:
        return seen
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = [witness for witness in policy.witnesses.values() if witness.url]
        return seen + list(pool.map(lambda witness: _asked(witness, last), asked))


def note_down(session: Session, seen: list[Seen]) -> bool:
    """Compare with the database as it is now, and write it down when somebody knows more; the caller commits.

    Args:
        session: of the sequencer role.
        seen: what `ask` brought.

    Returns:
        Whether the log stands still because of this, or of an earlier finding.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOG_LOCK)))
    if stands_still(session):
        return True
    most = furthest(session, seen)
    if most is None:
        return False
    last = _last(session)
    session.add(LogRestoration(own_size=last.size if last else 0, seen_size=most.size, seen_by=most.by))
    session.flush()
    return True


def furthest(session: Session, seen: list[Seen]) -> Seen | None:
    """Who knows most of those that know more than this database, or something else; None when nobody does."""
    last = _last(session)
    size = last.size if last else 0
    ahead = [one for one in seen if one.size > size or (last and one.size == size and one.root not in (b"", last.root))]
    return max(ahead, key=lambda one: one.size, default=None)


def stands_still(session: Session) -> LogRestoration | None:
    """The finding that keeps the log from going on; None when there is none."""
    return session.scalar(select(LogRestoration).where(LogRestoration.done_at.is_(None)))


def _last(session: Session) -> Row[int, bytes, str] | None:
    """Size, root and note of the last checkpoint."""
    columns = select(LogCheckpoint.size, LogCheckpoint.root, LogCheckpoint.note)
    return session.execute(columns.order_by(LogCheckpoint.size.desc()).limit(1)).first()


def _asked(witness: PolicyWitness, last: Row[int, bytes, str]) -> Seen:
    """A witness answers 409 with the size that it cosigned last, where it is another than that of the checkpoint."""
    reply = call(witness.url, str(Submission(last.size, (), last.note)))
    return Seen(f"the witness {witness.name}", reply.its_size or 0)
