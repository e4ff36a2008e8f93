"""``shuniu worker``: does short work, sequences evidence, and looks after what falls due.

Short kinds of work are rows (``adapters.work``), taken with SKIP LOCKED under a lease, so that any number of workers
may run. The sequencer, the publisher and the searches' index have threads of their own; advisory locks let one of all
workers be each.
"""

import logging
import signal
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.database import transaction
from adapters.errors import Sentence, ShuniuError, Terminal, Transient
from adapters.settings import Settings
from adapters.work import Runner, Turn, Work, claim, fail, finish, owned
from audit.months import make_months
from audit.search_index.run import index_forever
from audit.sequence import run_forever
from audit.stall.record import record_quorum, record_stall, record_unkept
from audit.stamps.run import run_forever as stamp_forever
from audit.stamps.token import Authority
from audit.store.place import Place
from audit.store.run import run_forever as publish_forever
from audit.witness.collect import start as ask_witnesses
from exchange.grants.expire import expire
from exchange.release import sweep_open
from oversight.anomalies.find import find
from portal.refusals import sum_up
from portal.starts import record_start
from portal.wiring import wire

Task = Callable[[Session, Settings, Mapping[str, Any]], dict[str, Any]]
"""Does a piece of work in the session's transaction, which the worker commits together with the row's end."""

Chore = Callable[[Session], Turn]
"""Does what has fallen due, some of it at a time."""

KINDS: dict[str, Task] = {}
"""Short kinds of work by name; a room's function is entered here, in the room above all others."""

CHORES: dict[str, Chore] = {
    "grants whose term is over": lambda session: Turn(expire(session)),
    "releases left open": lambda session: Turn(sweep_open(session)),
    "months of evidence made ahead": lambda session: Turn(make_months(session)),
    "anomalies": find,
    "refusals of callers nobody knows": lambda session: Turn(sum_up(session)),
    "deliveries that stop and go on": lambda session: Turn(record_stall(session)),
    "witnesses that are too few": lambda session: Turn(record_quorum(session)),
    "hours without a kept checkpoint": lambda session: Turn(record_unkept(session)),
}
"""What every worker looks after. Releases that a killed process left open are closed here and not by Airflow's sweep:
interface calls and fetches leave them too, on sites without Airflow and while it is down."""

IDLE_SECONDS = 0.5
LONGEST_PAUSE = 10.0
CHORE_SECONDS = 30.0
STOP_SECONDS = 10.0
log = logging.getLogger("shuniu.worker")


class Worker:
    """One worker process.

    Args:
        settings: of the site.
        kinds: what it can do.
        chores: what it looks after.
    """

    def __init__(
        self, settings: Settings, kinds: Mapping[str, Task] = KINDS, chores: Mapping[str, Chore] = CHORES
    ) -> None:
        self._settings = settings
        self._kinds = kinds
        self._chores = chores
        self._stop = threading.Event()
        self._due = dict.fromkeys(chores, 0.0)

    def stop(self, *_: int | FrameType | None) -> None:
        """End after what is being done now; also a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped. Errors of the database are waited out, longer each time.

        Raises:
            Terminal: the sequencer or the publisher ended by itself; without them nothing is proved.
        """
        sequencer = threading.Thread(target=run_forever, args=(self._settings, self._stop), name="sequencer")
        sequencer.start()
        publisher = threading.Thread(target=publish_forever, args=(self._settings, self._stop), name="publisher")
        publisher.start()
        indexing = (self._settings, self._stop)
        indexer = threading.Thread(target=index_forever, args=indexing, name="search index", daemon=True)
        indexer.start()
        ask_witnesses(self._settings, self._stop)
        threading.Thread(target=stamp_forever, args=(self._settings, self._stop), name="stamps", daemon=True).start()
        pause = 0.0
        while not self._stop.wait(pause):
            if not sequencer.is_alive():
                raise Terminal("worker.no_sequencer", "The evidence sequencer ended; its reason is in the log above.")
            if not publisher.is_alive():
                raise Terminal("worker.no_publisher", "The evidence publisher ended; its reason is in the log above.")
            try:
                done, more = self.work_once(), self.chores_once()
                pause = 0.0 if done or more else IDLE_SECONDS
            except SQLAlchemyError as error:
                pause = min(LONGEST_PAUSE, max(IDLE_SECONDS, pause * 2))
                log.warning("The database does not answer (%s); trying again in %.1f s.", type(error).__name__, pause)
        sequencer.join(STOP_SECONDS)
        publisher.join(STOP_SECONDS)
        indexer.join(STOP_SECONDS)

    def work_once(self) -> bool:
        """Take one row and do it; whether there was one."""
        if not self._kinds:
            return False
        with transaction(self._settings.app_database_url) as session:
            taken = claim(session, Runner.WORKER, list(self._kinds))
            rows = [(work.id, work.kind, dict(work.payload), work.lease_token) for work in taken]
        for work_id, kind, payload, token in rows:
            self._do(work_id, kind, payload, token)
        return bool(rows)

    def _do(self, work_id: uuid.UUID, kind: str, payload: Mapping[str, Any], token: uuid.UUID | None) -> None:
        url = self._settings.app_database_url
        try:
            with transaction(url) as session:
                work: Work = owned(session, work_id, token)
                finish(session, work, self._kinds[kind](session, self._settings, payload))
        except OperationalError:
            raise
        except Exception as error:  # whatever a task does wrong is written on its row, and the next one is taken
            known = isinstance(error, ShuniuError)
            log.log(logging.WARNING if known else logging.ERROR, "%s %s: %s", kind, work_id, error, exc_info=not known)
            helps = error.retry_may_help if isinstance(error, ShuniuError) else True
            said = Sentence(error.sentence, **error.context) if isinstance(error, ShuniuError) else str(error)
            with suppress(Transient), transaction(url) as session:
                fail(session, owned(session, work_id, token), said, retry_may_help=helps)

    def chores_once(self) -> bool:
        """One turn of each chore that is due; whether one of them goes on at once. None can end the worker."""
        for name in [name for name, due in self._due.items() if due <= time.monotonic()]:
            self._due[name] = time.monotonic() + CHORE_SECONDS
            try:
                with transaction(self._settings.app_database_url) as session:
                    turn = self._chores[name](session)
            except OperationalError:
                raise
            except Exception as error:  # whatever a chore does wrong must hold up neither the others nor the sequencer
                known = isinstance(error, ShuniuError)
                log.log(logging.WARNING if known else logging.ERROR, "%s: %s", name, error, exc_info=not known)
                continue
            if turn.done:
                log.info("%s: %d", name, turn.done)
            if turn.more:
                self._due[name] = 0.0
        return 0.0 in self._due.values()


def main(settings: Settings) -> None:
    """Run a worker until SIGTERM or SIGINT.

    Raises:
        Misconfigured: a setting it needs is missing.
    """
    settings.require("app_database_url", "sequencer_database_url", "log_key")
    Place.of(settings)
    Authority.of(settings)
    wire(settings)
    record_start(settings, "worker")
    worker = Worker(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    worker.run()
