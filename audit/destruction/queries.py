"""Requests to destroy personal details, and which entry destroyed an entry's details."""

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.listing import Heap
from adapters.paging import USUAL_PAGE, Page, page_of
from audit.destruction.models import Destruction, DestructionState
from audit.models import Evidence
from audit.verify_entry import DESTROYED


def requests(session: Session, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page[Destruction]:
    """Requests, the newest first.

    Raises:
        UnknownPlace: the cursor belongs to no such list.
    """
    order = (Destruction.asked_at, Destruction.id)
    return page_of(session, select(Destruction), order, cursor=cursor, limit=limit, descending=True)


def undecided(session: Session, person_id: uuid.UUID | None, limit: int = USUAL_PAGE) -> Heap[Destruction]:
    """Requests that wait for another person than who asked, the oldest first.

    Args:
        person_id: who could decide.
    """
    waiting = select(Destruction).where(
        Destruction.state == DestructionState.ASKED, Destruction.asked_by.is_distinct_from(person_id)
    )
    items = session.scalars(waiting.order_by(Destruction.asked_at, Destruction.id).limit(limit)).all()
    total = session.scalar(select(func.count()).select_from(waiting.subquery())) or 0
    return Heap(tuple(items), total)


def destroyed_by(session: Session, entry_id: uuid.UUID) -> uuid.UUID | None:
    """The entry that records the destruction of an entry's details; None when there is none."""
    subject = f"evidence/{entry_id}"
    statement = select(Evidence.id).where(
        Evidence.subject == subject, Evidence.kind == DESTROYED, Evidence.outcome == "DONE"
    )
    return session.scalars(statement.order_by(Evidence.recorded_at).limit(1)).first()
