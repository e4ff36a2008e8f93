"""Entries of which nothing is left but their columns, as the end of their archive leaves them."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.archive.models import LogArchive
from audit.models import LogLeaf


def archived_away(owner: Session, first: int, end: int, *, expired: bool = True) -> None:
    """Take the texts of entries ``first`` to before ``end`` away, and write down an archive that has or had them."""
    within = (
        "EXISTS (SELECT FROM log_leaf WHERE log_leaf.evidence_id = evidence_text.evidence_id"
        " AND leaf_index >= :first AND leaf_index < :end)"
    )
    statement = f"DELETE FROM evidence_text WHERE {within}"  # noqa: S608  # words of our own
    owner.execute(text(statement), {"first": first, "end": end})
    now = system_now()
    file = {"digest": "0" * 64, "key": "log/archive/000000", "version": "1", "header_bytes": 1, "bytes": 1}
    days = {"archived_at": now - timedelta(days=2_000), "retain_until": now, "expired_at": now if expired else None}
    owner.add(LogArchive(number=0, first_index=first, end_index=end, **file, **days))
    owner.flush()
    owner.expire_all()


def pieces(owner: Session, count: int) -> Iterator[tuple[int, int]]:
    """Parts of the log that may be gone: from its beginning to ever later, and one after the other."""
    entries = owner.scalar(select(func.max(LogLeaf.leaf_index) + 1)) or 0
    places = [number * entries // count for number in range(count + 1)]
    yield from ((0, end) for end in places[1:])
    yield from zip(places[1:], places[2:], strict=False)
