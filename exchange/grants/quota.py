"""The quota of rows of a grant: charged before they leave, given back when they did not."""

import uuid

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from exchange.grants.models import Grant, GrantState


def charge(session: Session, grant_id: uuid.UUID, rows: int) -> bool:
    """Charge a limited quota of an active grant; False when it does not hold that many more rows."""
    holds = Grant.used_rows + rows <= Grant.quota_rows
    charged = session.execute(
        update(Grant)
        .where(Grant.id == grant_id, Grant.state == GrantState.ACTIVE, holds)
        .values(used_rows=Grant.used_rows + rows)
        .returning(Grant.id)
    )
    return charged.first() is not None


def give_back(session: Session, grant_id: uuid.UUID, rows: int) -> None:
    """Take rows that were charged and did not leave off what is used."""
    left = func.greatest(Grant.used_rows - rows, 0)
    session.execute(update(Grant).where(Grant.id == grant_id).values(used_rows=left))
