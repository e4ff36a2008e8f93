"""Starting and ending one service under its guard."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM

GUARD = Path(__file__).with_name("guard.py")
MARKER = "SHUNIU_SERVICE_OF"  # in the environment of whatever a hub started: the home of that hub


@dataclass(frozen=True)
class Command:
    """A program to keep running.

    Args:
        name: the service's name; its log is ``<name>.log``.
        argv: absolute path of the program, and its arguments.
        folder: working folder.
        environ: its whole environment; nothing is inherited.
        stop_signal: what asks it to end in good order.
        grace_seconds: how long that may take before it is killed.
        user: user and group id to run as; None for our own.
    """

    name: str
    argv: Sequence[str]
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    stop_signal: int = SIGTERM
    grace_seconds: float = 20.0
    user: tuple[int, int] | None = None


class GuardedProcess:
    """A command running under its guard (``guard.py``).

    When this process ends, however it ends, the guard's standard input closes and the guard ends the service.

    Args:
        command: what to run.
        home: the hub's home, absolute; the log goes to its folder ``logs``.
    """

    def __init__(self, command: Command, home: Path) -> None:
        order = {
            "argv": list(command.argv),
            "folder": str(command.folder),
            "log": str(log_of(home, command.name)),
            "stop_signal": int(command.stop_signal),
            "grace_seconds": command.grace_seconds,
            "user": command.user,
        }
        self.name = command.name
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**command.environ, MARKER: str(home)},
            start_new_session=True,
        )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline() or 0)

    def exit_status(self) -> int | None:
        """The service's exit status, or None while it runs."""
        return self._guard.poll()

    def ask_to_stop(self) -> None:
        """Ask the service to end in good order; returns at once."""
        self._order(b"stop\n")

    def kill(self) -> None:
        """End the service and everything it started, now."""
        self._order(b"kill\n")

    def wait(self) -> int:
        """Wait until the service is gone; return its exit status."""
        try:
            return self._guard.wait()
        finally:
            self._close()

    def _order(self, text: bytes) -> None:
        assert self._guard.stdin is not None
        try:
            os.write(self._guard.stdin.fileno(), text)
        except (BrokenPipeError, ValueError):
            return

    def _close(self) -> None:
        for stream in (self._guard.stdin, self._guard.stdout):
            if stream:
                stream.close()


def log_of(home: Path, name: str) -> Path:
    """Where a service's log is."""
    return home / "logs" / f"{name}.log"


def run_to_end(command: Command, home: Path) -> int:
    """Run a command that ends by itself, under a guard; return its exit status."""
    return GuardedProcess(command, home).wait()
