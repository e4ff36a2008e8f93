"""Keeps services running: starts them, asks how they are, restarts those that die, and ends them in order."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from adapters.clock import system_now
from adapters.errors import ShuniuError, Transient
from adapters.services.home import state_file
from adapters.services.process import Command, GuardedProcess, log_of
from adapters.services.secrets import write_private

TICK_SECONDS = 0.1
PROBE_SECONDS = 3.0
SETTLED_SECONDS = 2.0
PROBES_AT_ONCE = 4
FIRST_TURN_SECONDS = 3600.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
TRIES = 3  # one may fail because of what a killed predecessor has not given free yet


class Health(StrEnum):
    """What is known of a service."""

    WAITING = "waiting"  # for a service that it needs
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"  # runs, but does not answer
    RESTARTING = "restarting"  # died; the next start is due soon
    DONE = "done"  # had one thing to do, and did it
    STOPPED = "stopped"


@dataclass(frozen=True)
class Service:
    """A service to keep running, or one of somebody else's to keep an eye on.

    Args:
        name: its name in ``shuniu status``.
        address: where it can be reached; empty when nobody calls it.
        prepare: writes what it needs and returns its command; None when it is not ours to start.
        is_ready: whether it answers; None when nobody can ask it: then it is healthy once it has run for a moment.
        after: names of services that must be healthy or done before it is started.
        once: it has one thing to do and then ends with status 0.
        every: it has one thing to do, an hour after the start and then after so many seconds again; 0 for all others.
    """

    name: str
    address: str
    prepare: Callable[[], Command] | None
    is_ready: Callable[[], bool] | None = None
    after: tuple[str, ...] = ()
    once: bool = False
    every: float = 0.0


@dataclass
class Condition:
    """What ``shuniu status`` shows of a service; times in seconds since it last became healthy."""

    name: str
    address: str
    health: Health = Health.WAITING
    pid: int = 0
    restarts: int = 0
    last_exit: int | None = None
    note: str = ""


@dataclass
class _Watched:
    service: Service
    condition: Condition
    process: GuardedProcess | None = None
    started: float = 0.0
    next_start: float = 0.0
    next_probe: float = 0.0
    healthy_since: float = 0.0
    deaths: int = 0
    answer: Future[bool] | None = None


class Supervisor:
    """Watches services from a thread of its own.

    Args:
        home: the hub's home; logs go there, and every change of state, for ``shuniu status``.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._probes = ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix="probe")
        self._written = ""
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def add(self, service: Service) -> None:
        """Take a service into care; it is started as soon as those it needs are healthy."""
        with self._lock:
            watched = self._watched[service.name] = _Watched(service, Condition(service.name, service.address))
            if service.every:
                self._postpone_turn(watched, min(service.every, FIRST_TURN_SECONDS))

    def conditions(self) -> list[Condition]:
        """How each service is now."""
        with self._lock:
            return [Condition(**asdict(watched.condition)) for watched in self._watched.values()]

    def wait_healthy(self, names: Iterable[str], seconds: float, patient: bool = False) -> None:
        """Wait until the named services are healthy (or done).

        Args:
            names: the services.
            seconds: how long at most.
            patient: whether a service may die as often as it will; otherwise its TRIES-th death ends the waiting.

        Raises:
            Transient: one is not; the sentence names it and its log.
        """
        deadline = time.monotonic() + seconds
        for name in names:
            while (condition := self._condition(name)).health not in {Health.HEALTHY, Health.DONE}:
                given_up = condition.restarts >= TRIES and not patient
                if given_up or time.monotonic() > deadline or self._ending.is_set():
                    raise Transient(
                        "services.not_started",
                        "{service} did not start ({note}); its reason is at the end of {log}.",
                        service=name,
                        note=condition.note or condition.health,
                        log=str(log_of(self._home, name)),
                    )
                time.sleep(TICK_SECONDS / 2)

    def stop(self) -> None:
        """End all services in good order: those that others need come last. Returns when all are gone."""
        self._ending.set()
        self._thread.join()
        self._probes.shutdown(wait=False, cancel_futures=True)
        remaining = dict(self._watched)
        while remaining:
            needed = {name for watched in remaining.values() for name in watched.service.after}
            ending = [watched for name, watched in remaining.items() if name not in needed]
            for watched in ending:
                if watched.process:
                    watched.process.ask_to_stop()
            for watched in ending:
                self._await_end(watched)
                del remaining[watched.service.name]
        self._publish()

    def kill(self) -> None:
        """End everything at once; may be called while `stop` waits."""
        self._ending.set()
        for watched in list(self._watched.values()):
            if watched.process:
                watched.process.kill()

    def _condition(self, name: str) -> Condition:
        with self._lock:
            return self._watched[name].condition

    def _await_end(self, watched: _Watched) -> None:
        if watched.process:
            watched.condition.last_exit = watched.process.wait()
        watched.process = None
        watched.condition.health, watched.condition.pid = Health.STOPPED, 0

    def _watch(self) -> None:
        while not self._ending.wait(TICK_SECONDS):
            with self._lock:
                for watched in list(self._watched.values()):
                    if not self._ending.is_set():
                        self._look_after(watched)
            self._publish()

    def _look_after(self, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.condition.health is Health.DONE and not (watched.service.every and now >= watched.next_start):
            return
        if watched.service.prepare and watched.process is None:
            if now >= watched.next_start and self._may_start(watched.service):
                self._start(watched)
            return
        status = watched.process.exit_status() if watched.process else None
        if status is not None:
            self._mourn(watched, status)
        elif now >= watched.next_probe:
            self._probe(watched)

    def _may_start(self, service: Service) -> bool:
        return all(self._watched[name].condition.health in {Health.HEALTHY, Health.DONE} for name in service.after)

    def _start(self, watched: _Watched) -> None:
        assert watched.service.prepare is not None
        try:
            watched.process = GuardedProcess(watched.service.prepare(), self._home)
        except (ShuniuError, OSError) as error:
            self._postpone(watched, str(error))
            return
        watched.condition.pid = watched.process.pid
        watched.condition.health = Health.STARTING
        watched.started, watched.next_probe, watched.answer = time.monotonic(), 0.0, None

    def _mourn(self, watched: _Watched, status: int) -> None:
        assert watched.process is not None
        watched.process.wait()
        watched.process = None
        watched.condition.pid, watched.condition.last_exit = 0, status
        if watched.service.once and status == 0:
            watched.condition.health, watched.condition.note = Health.DONE, ""
            return
        if watched.service.every:
            watched.condition.note = "" if status == 0 else _obituary(status)
            self._postpone_turn(watched, watched.service.every)
            return
        if watched.healthy_since and time.monotonic() - watched.healthy_since > STEADY_SECONDS:
            watched.deaths = 0
        self._postpone(watched, _obituary(status))

    def _postpone_turn(self, watched: _Watched, seconds: float) -> None:
        watched.condition.health = Health.DONE
        watched.next_start = time.monotonic() + seconds

    def _postpone(self, watched: _Watched, reason: str) -> None:
        """Start again later: at once at first, then after twice the wait each time."""
        wait = min(FIRST_WAIT_SECONDS * 2**watched.deaths, LONGEST_WAIT_SECONDS)
        watched.deaths += 1
        watched.healthy_since = 0.0
        watched.next_start = time.monotonic() + wait
        watched.condition.restarts += 1
        watched.condition.health = Health.RESTARTING
        watched.condition.note = reason

    def _probe(self, watched: _Watched) -> None:
        """Ask the service how it is, without waiting for its answer: a slow one must not hold up the others."""
        if watched.service.once or watched.service.every:
            return
        if watched.service.is_ready and watched.answer is None:
            watched.answer = self._probes.submit(watched.service.is_ready)
            return
        if watched.answer and not watched.answer.done():
            return
        settled = time.monotonic() - watched.started > SETTLED_SECONDS
        well = watched.answer.result() if watched.answer else settled
        watched.answer = None
        watched.next_probe = time.monotonic() + (PROBE_SECONDS if well else TICK_SECONDS)
        condition = watched.condition
        if well and condition.health is not Health.HEALTHY:
            condition.health = Health.HEALTHY
            watched.healthy_since = time.monotonic()
        elif not well and (condition.health is Health.HEALTHY or not watched.service.prepare):
            condition.health = Health.UNHEALTHY

    def _publish(self) -> None:
        text = json.dumps([asdict(condition) for condition in self.conditions()], indent=2)
        if text != self._written:
            write_private(state_file(self._home), text + "\n")
            self._written = text


def _obituary(status: int) -> str:
    return f"ended with status {status} at {system_now():%Y-%m-%d %H:%M:%S} UTC"
