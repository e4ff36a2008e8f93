"""The searches' index at work in a thread of the worker; any number of workers may run, one indexes at a time."""

import logging
from threading import Event

from adapters.database import transaction
from adapters.settings import Settings
from audit.search_index.build import index_next

PAUSE_SECONDS = 1.0
LONGEST_PAUSE = 30.0
_log = logging.getLogger(__name__)


def index_forever(settings: Settings, stop: Event) -> None:
    """Index until ``stop`` is set. What goes wrong is logged and tried again; entries are numbered meanwhile.

    Raises:
        Misconfigured: the sequencer's address is missing.
    """
    settings.require("sequencer_database_url")
    pause = 0.0
    while not stop.wait(pause):
        try:
            with transaction(settings.sequencer_database_url) as session:
                indexed = index_next(session)
        except Exception:  # whatever it is, the next try may succeed; the log itself goes on meanwhile
            _log.exception("Evidence could not be indexed for searches; trying again.")
            pause = min(LONGEST_PAUSE, max(PAUSE_SECONDS, pause * 2))
        else:
            pause = 0.0 if indexed else PAUSE_SECONDS
