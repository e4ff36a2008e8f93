"""Putting the log back into a store that lost or changed it: an act of a person, with an entry of its own."""

import logging

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import append
from audit.models import LogCheckpoint
from audit.restoration.look import stands_still
from audit.store.models import PUBLISH_LOCK
from audit.store.place import CHECKPOINT, TEXT, Place
from audit.store.publish import STEP, check_tree, grown, state_of
from audit.store.queries import store_state
from audit.tiles import named, width
from audit.witness.gathered import with_cosignatures

PUBLISHED_AGAIN = "log_store.published_again"
_log = logging.getLogger(__name__)


def record(session: Session, actor: Actor, reason: str) -> None:
    """Record, before anything is done, that the log will be published again and why; the caller commits."""
    state = store_state(session)
    known = {"published": state.published, "problem": state.problem}
    append(session, PUBLISHED_AGAIN, "log_store/1", actor, before=known, personal={"reason": reason})


def publish_again(session: Session, place: Place) -> int:
    """Write every tile that is missing or differs, then the newest checkpoint; the caller commits.

    What is under object lock stays as it is: if the database itself was put back from a backup, verification goes on
    saying so.

    Args:
        session: of the sequencer role, in a transaction of its own; the publisher stands still meanwhile.
        place: where to.

    Returns:
        How many objects were written.

    Raises:
        Conflict: the database is older than the log in the store; that is for ``audit.restoration`` to mend.
        Terminal: the tiles in the database do not give the checkpoint's root.
        Transient: the store does not answer.
    """
    session.execute(select(func.pg_advisory_xact_lock(PUBLISH_LOCK)))
    if stands_still(session):
        raise Conflict(
            "restoration.not_overwritten",
            "This database is older than the log in the object store, which has the hashes of what is lost. Nothing is"
            " written there until both administrators have declared the loss with {command}.",
            command="`shuniu restored`",
        )
    newest = session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))
    if newest is None:
        return 0
    check_tree(session, newest)
    written = 0
    for start in range(0, newest.size, STEP):
        for name, data, _ in grown(session, start, min(start + STEP, newest.size)):
            if _is_final(name, newest.size) and place.read(name) != data:
                place.write(name, data)
                written += 1
                _log.info("%s is written again.", name)
    place.write(CHECKPOINT, with_cosignatures(session, newest.size, newest.note).encode(), TEXT)
    row = state_of(session)
    row.size, row.published_at, row.problem, row.problem_since = newest.size, system_now(), "", None
    session.flush()
    return written + 1


def _is_final(name: str, size: int) -> bool:
    """Whether a tile of a smaller tree is one of a tree of ``size`` too."""
    level, number, wide = named(name.removeprefix("tile/")) or (0, 0, 0)
    return wide == width(level, number, size)
