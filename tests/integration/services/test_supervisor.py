"""A service that dies comes back, later each time; one that needs another waits for it."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.errors import Transient
from adapters.services.home import make_home, reported_services
from adapters.services.process import Command
from adapters.services.supervisor import Condition, Health, Service, Supervisor
from tests.integration.services.watching import processes_of, wait_until


@pytest.fixture
def place(home: Path) -> Path:
    """A home with its folders."""
    make_home(home)
    return home


@pytest.fixture
def supervisor(place: Path) -> Iterator[Supervisor]:
    """A supervisor, ended when the test ends."""
    running = Supervisor(place)
    yield running
    running.stop()
    assert not processes_of(place)


def service(place: Path, name: str, program: str, after: tuple[str, ...] = (), once: bool = False) -> Service:
    """A Python program as a service."""
    command = Command(name, [sys.executable, "-c", program], place, {"PATH": os.defpath})
    return Service(name, "", lambda: command, after=after, once=once)


def condition(supervisor: Supervisor, name: str) -> Condition:
    """How the named service is."""
    return next(one for one in supervisor.conditions() if one.name == name)


def test_killed_service_is_started_again_and_that_is_said(place: Path, supervisor: Supervisor) -> None:
    supervisor.add(service(place, "sleeper", "import time; time.sleep(600)"))
    supervisor.wait_healthy(["sleeper"], 10)
    first = condition(supervisor, "sleeper").pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: condition(supervisor, "sleeper").restarts == 1)
    supervisor.wait_healthy(["sleeper"], 10, patient=True)
    after = condition(supervisor, "sleeper")
    assert after.pid != first
    assert after.last_exit == 128 + signal.SIGKILL
    assert "ended with status 137" in after.note
    wait_until(lambda: reported_services(place)[0]["restarts"] == 1)


def test_waits_grow_while_it_keeps_dying(place: Path, supervisor: Supervisor) -> None:
    marks = place / "marks"
    supervisor.add(service(place, "dying", f"import time; open({str(marks)!r}, 'a').write(f'{{time.time()}}\\n')"))
    wait_until(lambda: marks.exists() and len(marks.read_text().splitlines()) >= 4)
    times = [float(line) for line in marks.read_text().splitlines()]
    waits = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert [wait >= expected for wait, expected in zip(waits, (0.5, 1.0, 2.0), strict=False)] == [True] * 3


def test_death_at_the_start_is_reported_with_its_log(place: Path, supervisor: Supervisor) -> None:
    supervisor.add(service(place, "broken", "raise SystemExit(3)"))
    with pytest.raises(Transient, match=r"broken did not start \(ended with status 3.*logs/broken\.log"):
        supervisor.wait_healthy(["broken"], 20)


def test_service_waits_for_what_it_needs(place: Path, supervisor: Supervisor) -> None:
    done = place / "done"
    supervisor.add(
        service(place, "second", f"import time; assert open({str(done)!r}); time.sleep(600)", after=("first",))
    )
    supervisor.add(
        service(place, "first", f"import time; time.sleep(0.5); open({str(done)!r}, 'w').close()", once=True)
    )
    supervisor.wait_healthy(["second"], 10)
    assert condition(supervisor, "first").health is Health.DONE
    assert condition(supervisor, "second").restarts == 0


def test_service_with_turns_runs_again_and_rests_when_it_failed(place: Path, supervisor: Supervisor) -> None:
    marks = place / "turns"
    program = f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(4)"
    supervisor.add(replace(service(place, "daily", program), every=0.4))
    assert condition(supervisor, "daily").health is Health.DONE
    wait_until(lambda: marks.exists() and len(marks.read_text()) == 3)
    wait_until(lambda: condition(supervisor, "daily").note.startswith("ended with status 4"))
    assert condition(supervisor, "daily").restarts == 0
