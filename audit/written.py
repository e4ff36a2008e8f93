"""Which entries a session wrote and committed, for an edge that promises them to whom it answers."""

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

_WRITTEN = "evidence written"


class _Written:
    """Leaf hashes of entries: those that await the commit, and those that are committed."""

    def __init__(self) -> None:
        self.pending: list[bytes] = []
        self.committed: list[bytes] = []
        self.before: dict[SessionTransaction, int] = {}
        """By savepoint, how many entries awaited the commit when it was set."""


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
        written.before.clear()


@event.listens_for(Session, "after_transaction_create")
def _begin(session: Session, begun: SessionTransaction) -> None:
    written: _Written | None = session.info.get(_WRITTEN)
    if written is not None and begun.nested:
        written.before[begun] = len(written.pending)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, undone: SessionTransaction) -> None:
    """Forget what was written since the savepoint that is undone, or all of it where the transaction is."""
    written: _Written | None = session.info.get(_WRITTEN)
    if written is None:
        return
    while not undone.nested and undone.parent is not None:  # a flush that failed
        undone = undone.parent
    del written.pending[written.before.pop(undone, 0) :]
