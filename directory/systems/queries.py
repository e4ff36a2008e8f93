"""Reading the register of systems."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from adapters.paging import USUAL_PAGE, Page, page_of
from directory.systems.models import System, SystemAddress


def systems(
    session: Session, agency_id: uuid.UUID | None = None, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[System]:
    """Systems of an agency, or of all, by name, with their addresses."""
    statement = select(System).options(selectinload(System.addresses))
    if agency_id is not None:
        statement = statement.where(System.agency_id == agency_id)
    return page_of(session, statement, [System.name, System.id], cursor=cursor, limit=limit)


def system_called(session: Session, agency_id: uuid.UUID, name: str) -> System | None:
    """The agency's system of this name, if there is one."""
    return session.scalar(select(System).where(System.agency_id == agency_id, System.name == name))


def address_allowed(session: Session, agency_id: uuid.UUID, host: str, port: int) -> bool:
    """Whether the hub may call this address for this agency: it is one of the agency's systems'.

    Args:
        host: as ``directory.systems.register.checked_host`` writes it.
    """
    statement = (
        select(SystemAddress.id)
        .join(System)
        .where(
            System.agency_id == agency_id,
            SystemAddress.host == host,
            SystemAddress.port == port,
            SystemAddress.removed_at.is_(None),
        )
    )
    return session.scalars(statement.limit(1)).first() is not None
