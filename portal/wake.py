"""Waking Airflow for work that a request has just committed.

A call that is lost does no harm: a DAG looks every minute.
"""

import logging
import threading
import uuid

from flask import Response, after_this_request

from adapters.errors import ShuniuError
from adapters.settings import Settings
from pipelines.wake import wake
from portal.edge import portal_settings

log = logging.getLogger("shuniu.portal")


def wake_after_commit(work_id: uuid.UUID | None) -> None:
    """Wake Airflow for a piece of work when this request's transaction is committed; nobody waits for it."""
    settings = portal_settings()

    @after_this_request
    def _wake(response: Response) -> Response:
        if work_id is not None and settings.airflow_url and response.status_code < 400:
            threading.Thread(target=_quietly, args=(settings, work_id), daemon=True).start()
        return response


def _quietly(settings: Settings, work_id: uuid.UUID) -> None:
    try:
        wake(settings, work_id)
    except ShuniuError as error:
        log.info("Airflow was not woken for %s: %s", work_id, error.code)
