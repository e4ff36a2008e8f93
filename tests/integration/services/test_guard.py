"""Nothing that a guard started outlives it, and its log stays small."""

import os
import signal
import sys
from pathlib import Path

import pytest

from adapters.services.guard import LOG_BYTES, LOG_FILES
from adapters.services.home import make_home
from adapters.services.process import Command, GuardedProcess, log_of, run_to_end
from tests.integration.services.watching import processes_of, wait_until

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("ready", flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""


@pytest.fixture
def place(home: Path) -> Path:
    """A home with its folders."""
    make_home(home)
    return home


def python(home: Path, program: str, grace_seconds: float = 20.0) -> Command:
    """A Python program as a service of that home."""
    return Command("program", [sys.executable, "-c", program], home, {"PATH": os.defpath}, grace_seconds=grace_seconds)


def says(home: Path, text: str) -> bool:
    """Whether the program has said something."""
    log = log_of(home, "program")
    return log.exists() and text in log.read_text()


def test_exit_status_is_the_services_own(place: Path) -> None:
    assert run_to_end(python(place, "raise SystemExit(7)"), place) == 7
    assert run_to_end(python(place, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), place) == 128 + 9


def test_program_that_cannot_start_says_why(place: Path) -> None:
    missing = Command("program", ["/nowhere/at/all"], place, {})
    assert run_to_end(missing, place) == 127
    assert says(place, "Cannot start /nowhere/at/all")


def test_stubborn_program_is_killed_when_its_grace_is_over(place: Path) -> None:
    process = GuardedProcess(python(place, STUBBORN, grace_seconds=0.5), place)
    wait_until(lambda: says(place, "ready"))
    process.ask_to_stop()
    assert process.wait() == 128 + signal.SIGKILL
    assert not processes_of(place)


def test_kill_needs_no_grace(place: Path) -> None:
    process = GuardedProcess(python(place, STUBBORN, grace_seconds=600), place)
    wait_until(lambda: says(place, "ready"))
    process.kill()
    assert process.wait() == 128 + signal.SIGKILL


def test_daemon_that_left_its_parents_ends_too(place: Path) -> None:
    process = GuardedProcess(python(place, DAEMON), place)
    wait_until(lambda: says(place, "ready"))
    assert len(processes_of(place)) == 3
    process.ask_to_stop()
    process.wait()
    assert not processes_of(place)


def test_service_ends_when_its_guard_is_killed(place: Path) -> None:
    process = GuardedProcess(python(place, "import time; print('ready', flush=True); time.sleep(600)"), place)
    wait_until(lambda: says(place, "ready"))
    guard = next(pid for pid in processes_of(place) if pid != process.pid)
    os.kill(guard, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    wait_until(lambda: not processes_of(place))


def test_log_is_bounded(place: Path) -> None:
    line = "x" * 999
    run_to_end(python(place, f"for _ in range({LOG_BYTES * (LOG_FILES + 1) // 1000}): print('{line}')"), place)
    sizes = [path.stat().st_size for path in (place / "logs").iterdir()]
    assert len(sizes) == LOG_FILES
    assert max(sizes) <= LOG_BYTES


def test_secrets_of_the_parent_are_not_inherited(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUNIU_SECRET_KEY", "very-secret")
    run_to_end(python(place, "import os; print(sorted(os.environ))"), place)
    assert not says(place, "SHUNIU_SECRET_KEY")


def test_program_below_a_closed_folder_is_reached_without_root(place: Path) -> None:
    """access(2) must agree, because PostgreSQL asks it for its own programs."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    (closed / "program").write_text('#!/bin/sh\nid -u\n[ -r "$0" ] && [ -x "$0" ] && echo reached\n')
    (closed / "program").chmod(0o755)
    user = (65534, 65534) if os.geteuid() == 0 else None
    command = Command("program", [str(closed / "program")], place, {"PATH": os.defpath}, user=user)
    assert run_to_end(command, place) == 0
    assert log_of(place, "program").read_text().split() == [str(user[0] if user else os.geteuid()), "reached"]
