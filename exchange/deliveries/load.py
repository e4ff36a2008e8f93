"""Fetch a delivery for a step, locked."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import NotFound
from exchange.deliveries.models import Delivery


def locked(session: Session, delivery_id: uuid.UUID) -> Delivery:
    """The delivery, its row locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    delivery = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        raise unknown()
    return delivery


def unknown() -> NotFound:
    """The error for a delivery that does not exist."""
    return NotFound("delivery.unknown", "There is no such delivery. Choose it from your list of deliveries.")
