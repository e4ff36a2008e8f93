"""The publisher at work in a thread of the worker; any number of workers may run, one publishes at a time."""

import logging
from contextlib import suppress
from threading import Event

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import ShuniuError
from adapters.settings import Settings
from audit.log_keys import log_keys
from audit.store.keep import keep, try_lock
from audit.store.models import KeptCheckpoint
from audit.store.place import Place
from audit.store.publish import STEP, publish, publish_cosigned, state_of

PAUSE_SECONDS = 1.0
LONGEST_PAUSE = 30.0
_log = logging.getLogger(__name__)


def run_forever(settings: Settings, stop: Event) -> None:
    """Publish until ``stop`` is set. What goes wrong is logged, written down for the log's state, and tried again.

    Raises:
        Misconfigured: the sequencer's address, the log's key or the store is not set, or set wrong.
    """
    settings.require("sequencer_database_url")
    publisher = Publisher(settings, Place.of(settings))
    pause = 0.0
    while not stop.wait(pause):
        try:
            pause = 0.0 if publisher.step() >= STEP // 2 else PAUSE_SECONDS
        except Exception as error:  # whatever it is, the next try may succeed; the log itself goes on meanwhile
            publisher.failed(error)
            pause = min(LONGEST_PAUSE, max(PAUSE_SECONDS, pause * 2))


class Publisher:
    """What one process publishes with.

    Args:
        settings: of the site.
        place: where to.
    """

    def __init__(self, settings: Settings, place: Place) -> None:
        self._url = settings.sequencer_database_url
        self._place = place
        self._key = log_keys(settings).log
        self._locks: bool | None = None
        self._ready = False
        self._problem = self._cosigned = self._unkept = ""

    def step(self) -> int:
        """Publish what comes next, and keep this hour's checkpoints; how many entries more are published.

        What is kept is published already, so that a database put back from a backup learns of it before it signs
        anything. What is wrong with the published log must not keep the hour's checkpoints from their lock, though:
        then the newest is kept as it is.

        Raises:
            Terminal: store and database contradict each other.
            Transient: the store does not answer.
        """
        try:
            done = self._publish()
        except Exception as error:
            self.failed(error)  # before more is kept than is published, which is a roll-back where nothing failed
            self._keep_unpublished()
            raise
        with transaction(self._url) as session:
            published = state_of(session).size
        self._keep(most=published)
        if done is None:
            return 0
        self._problem = self._unkept = ""
        self._over()
        return done

    def failed(self, error: Exception) -> None:
        """Write down what went wrong, until a publisher succeeds; in the log it is said once."""
        known = isinstance(error, ShuniuError)
        sentence = str(error) if known else f"The log could not be published ({type(error).__name__})."
        if sentence != self._problem:
            _log.log(logging.WARNING if known else logging.ERROR, "%s", sentence, exc_info=not known)
        self._problem = sentence
        with suppress(SQLAlchemyError):  # the database is away: that is said by its service
            self._write_down(sentence)

    def _over(self) -> None:
        """Nothing is wrong any more, once all that was kept while something was is published too."""
        with transaction(self._url) as session:
            state = state_of(session)
            if state.problem and state.size >= (session.scalar(select(func.max(KeptCheckpoint.size))) or 0):
                state.problem, state.problem_since = "", None

    def _publish(self) -> int | None:
        if not self._ready:
            self._place.tiles.ensure_bucket()
            self._ready = True
        with transaction(self._url) as session:
            done = publish(session, self._place, self._key)
        with transaction(self._url) as session:
            self._cosigned = publish_cosigned(session, self._place, self._cosigned)
        return done

    def _keep_unpublished(self) -> None:
        """Keep the newest although publishing fails, which stays what is wrong."""
        try:
            self._keep(most=None)
        except Exception as error:  # what keeps the log from being published is raised by the caller
            if str(error) != self._unkept:
                _log.warning("Nor could this hour's checkpoint be kept: %s", error)
            self._unkept = str(error)

    def _keep(self, most: int | None) -> None:
        if self._locks is None:
            self._try_lock()
        with transaction(self._url) as session:
            for kept in keep(session, self._place, locks=bool(self._locks), most=most):
                _log.info("The checkpoint of %d entries is kept as %s.", kept.size, kept.key)

    def _try_lock(self) -> None:
        self._place.locked.ensure_bucket()
        with transaction(self._url) as session:
            self._locks = try_lock(session, self._place)
        if not self._locks:
            _log.warning(
                "The object store has no object lock in the bucket %s: hourly checkpoints are kept and can be deleted.",
                self._place.locked.bucket,
            )

    def _write_down(self, problem: str) -> None:
        with transaction(self._url) as session:
            state = state_of(session)
            if state.problem != problem:
                state.problem, state.problem_since = problem, system_now()
