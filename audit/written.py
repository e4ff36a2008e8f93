"""Which entries a session wrote and committed, for an edge that promises them to whom it answers."""

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

_WRITTEN = "evidence written"


class _Written:
    """Leaf hashes of entries: those that await the commit, and those that are committed."""

    def __init__(self) -> None:
        self.pending: list[bytes] = []
        self.committed: list[bytes] = []


def collect(session: Session) -> None:
    """From now on remember what this session writes; others, some of which live long, remember nothing."""
    session.info[_WRITTEN] = _Written()


def note(session: Session, leaf_hash: bytes) -> None:
    """An entry was inserted."""
    written: _Written | None = session.info.get(_WRITTEN)
    if written is not None:
        written.pending.append(leaf_hash)


def so_far(session: Session) -> tuple[bytes, ...]:
    """Leaf hashes of all entries that this session wrote, in their order; the latest await their commit."""
    written: _Written | None = session.info.get(_WRITTEN)
    return (*written.committed, *written.pending) if written is not None else ()


def committed(session: Session) -> tuple[bytes, ...]:
    """Leaf hashes (32 bytes) of the entries that this session committed, in the order of writing."""
    written: _Written | None = session.info.get(_WRITTEN)
    return tuple(written.committed) if written is not None else ()


@event.listens_for(Session, "after_commit")
def _keep(session: Session) -> None:
    written: _Written | None = session.info.get(_WRITTEN)
    if written is not None and not session.in_nested_transaction():
        written.committed += written.pending
        written.pending.clear()


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, _: SessionTransaction) -> None:
    written: _Written | None = session.info.get(_WRITTEN)
    if written is not None:
        written.pending.clear()
