"""One running hub per home: the lock, the file that tells its state, and what a killed one may have left behind."""

import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from adapters.errors import Conflict
from adapters.services.process import MARKER

LEFTOVER_SECONDS = 30.0


class HomeLock:
    """Held while a hub runs in a home; the kernel gives it free when the process ends, however it ends.

    Args:
        home: the hub's home; made when missing.

    Raises:
        Conflict: another hub runs there; the sentence names its process.
    """

    def __init__(self, home: Path) -> None:
        make_home(home)
        self._stream = (home / "run" / "lock").open("a+", encoding="utf-8")
        if not self._locked():
            self._stream.seek(0)
            holder = self._stream.read().strip()
            self._stream.close()
            raise Conflict(
                "services.already_running",
                "A hub already runs in {home} (process {pid}). Look at it with `shuniu status`, end it with "
                "`shuniu down`, or set SHUNIU_HOME to another folder.",
                home=str(home),
                pid=holder or "?",
            )
        self._stream.truncate(0)
        self._stream.write(str(os.getpid()))
        self._stream.flush()

    def _locked(self) -> bool:
        """Take the lock; tried for a moment, because whoever asks for the state holds it for an instant too."""
        for _ in range(5):
            try:
                fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return True
        return False

    def release(self) -> None:
        """Give the home free."""
        if not self._stream.closed:
            self._stream.truncate(0)
            self._stream.close()


def make_home(home: Path) -> None:
    """Make a home and the folders in it that only its owner may look into."""
    home.mkdir(parents=True, exist_ok=True)
    for name in ("logs", "run", "secrets"):
        (home / name).mkdir(exist_ok=True, mode=0o700)


def state_file(home: Path) -> Path:
    """The file in which a running hub tells the state of its services."""
    return home / "run" / "services.json"


def running_process(home: Path) -> int | None:
    """The process id of the hub that runs in a home, or None."""
    try:
        with (home / "run" / "lock").open("r+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = stream.read().strip()
                return int(text) if text.isdigit() else None
    except FileNotFoundError:
        return None
    return None


def reported_services(home: Path) -> list[dict[str, Any]]:
    """What the running hub last wrote about its services: the fields of `supervisor.Condition`."""
    path = state_file(home)
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return rows


def end_leftovers(home: Path, seconds: float = LEFTOVER_SECONDS) -> None:
    """Wait for what a killed hub left in this home to end, and end what does not.

    The guards of a hub that was killed are ending their services in good order; that may take a moment. Every process
    of a hub carries the home in its environment.

    Args:
        home: the hub's home, absolute; its lock is held by the caller.
        seconds: how long the leftovers may take before they are killed.
    """
    started = time.monotonic()
    asked = False
    while left := _marked(home):
        waited = time.monotonic() - started
        if waited > seconds:
            _send(left, signal.SIGKILL)
        elif waited > seconds / 2 and not asked:
            asked = True
            _send(left, signal.SIGTERM)
        time.sleep(0.1)


def _marked(home: Path) -> list[int]:
    wanted = f"{MARKER}={home}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if wanted in environ.split(b"\0"):
                found.append(int(entry.name))
    return found


def _send(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
