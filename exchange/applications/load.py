"""Fetch an application for a step: locked, so that of two steps at once the second sees what the first did."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import Conflict, NotFound
from exchange.applications.models import Application


def locked(session: Session, application_id: uuid.UUID, expected: int | None = None) -> Application:
    """The application, its row locked until the transaction ends.

    Args:
        expected: the ``lock_version`` that the caller's form was filled from; None when it does not matter.

    Raises:
        NotFound: there is none.
        Conflict: ``application.stale``, somebody changed it since.
    """
    application = session.get(Application, application_id, with_for_update=True, populate_existing=True)
    if application is None:
        raise unknown()
    if expected is not None and expected != application.lock_version:
        raise Conflict(
            "application.stale",
            "Somebody changed this application after you opened it. Open it again, then repeat what you wanted to do.",
        )
    return application


def unknown() -> NotFound:
    """The error for an application that does not exist."""
    return NotFound("application.unknown", "There is no such application. Choose it from your list of applications.")


def subject(application: Application) -> str:
    """How evidence names the application; also the matter of everything that belongs to its case."""
    return f"application/{application.id}"
