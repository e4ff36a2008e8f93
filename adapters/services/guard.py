"""Stands between the supervisor and one service: starts it, keeps its log, and lets none of its processes outlive us.

Run as a program of its own, with the standard library alone, so that it stays small::

    python -I guard.py '{"argv": [...], "log": "...", ...}'   # the fields of Order

It reads orders on standard input: ``stop`` asks the service to end, ``kill`` ends it at once. End of input means that
the supervisor is gone, however it went, and counts as ``stop``. The service's process id is printed as the first line.
The exit status is the service's own (128 + signal number when a signal ended it).
"""

import ctypes
import json
import os
import selectors
import signal
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LOG_BYTES = 8 * 1024 * 1024
LOG_FILES = 3
LAST_GRACE_SECONDS = 3.0
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # orders come on standard input alone

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Order:
    """What to run.

    Args:
        argv: the program and its arguments.
        folder: working folder.
        log: file that takes standard output and error; bounded to LOG_FILES files of LOG_BYTES bytes.
        stop_signal: the number of the signal that asks the service to end in good order.
        grace_seconds: how long it may take then before everything it started is killed.
        user: numeric user and group to run as, or None to stay who we are.
    """

    argv: list[str]
    folder: str
    log: str
    stop_signal: int
    grace_seconds: float
    user: tuple[int, int] | None


class BoundedLog:
    """A log file that is put aside when it is full; the oldest is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append; a full disk costs log lines, never the service."""
        try:
            if self.stream.tell() + len(data) > LOG_BYTES:
                self._rotate()
            self.stream.write(data)
        except OSError:
            return

    def _rotate(self) -> None:
        self.stream.close()
        for number in range(LOG_FILES - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path if number == 1 else self.path.with_name(f"{self.path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
        self.stream = self.path.open("ab", buffering=0)


class Guard:
    """One service under watch."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.log = BoundedLog(Path(order.log))
        self.deadline: float | None = None
        self.status: int | None = None
        self.output, writing = os.pipe()
        self.child = _start(order, writing)
        os.close(writing)
        os.set_blocking(self.output, False)

    def run(self) -> int:
        """Watch until the service and everything it started are gone; return its exit status."""
        wake_reading, wake_writing = os.pipe()
        os.set_blocking(wake_writing, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_writing, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            for source in (0, self.output, wake_reading):
                selector.register(source, selectors.EVENT_READ)
            while self.status is None:
                for key, _ in selector.select(self._remaining()):
                    self._take(key.fd, selector)
                self._reap()
                if self.deadline is not None and time.monotonic() > self.deadline:
                    kill_descendants(signal.SIGKILL)
        self._end_leftovers()
        self._drain()
        return self.status

    def _take(self, source: int, selector: selectors.BaseSelector) -> None:
        if source == self.output:
            if not self._drain():
                selector.unregister(source)
            return
        data = os.read(source, 4096)
        if source == 0:
            if not data:
                selector.unregister(source)
            self._obey(data)

    def _obey(self, order: bytes) -> None:
        if b"kill" in order:
            self.deadline = time.monotonic()
        elif self.deadline is None:
            self.deadline = time.monotonic() + self.order.grace_seconds
            _signal(self.child, self.order.stop_signal)

    def _remaining(self) -> float | None:
        return None if self.deadline is None else max(0.1, self.deadline - time.monotonic())

    def _drain(self) -> bool:
        """Copy what the service has said to its log; False when nobody can say anything any more."""
        try:
            while data := os.read(self.output, 65536):
                self.log.write(data)
        except BlockingIOError:
            return True
        return False

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child:
                code = os.waitstatus_to_exitcode(status)
                self.status = 128 - code if code < 0 else code

    def _end_leftovers(self) -> None:
        """End what the service left behind: asked first, killed after a moment."""
        kill_descendants(signal.SIGTERM)
        deadline = time.monotonic() + LAST_GRACE_SECONDS
        while descendants(os.getpid()):
            if time.monotonic() > deadline:
                kill_descendants(signal.SIGKILL)
            self._reap()
            time.sleep(0.02)


def descendants(ancestor: int) -> list[int]:
    """Process ids of all living descendants, from ``/proc``; who lost their parent belong to the guard (subreaper)."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z" or int(parent) == ancestor:
            children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def kill_descendants(number: int) -> None:
    """Send a signal to everything below this process."""
    for pid in descendants(os.getpid()):
        _signal(pid, number)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _start(order: Order, output: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    guard = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        os.umask(0o077)
        os.chdir(order.folder)
        silence = os.open(os.devnull, os.O_RDONLY)
        os.dup2(silence, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if order.user:
            _become(libc, *order.user)
        libc.prctl(PR_SET_PDEATHSIG, order.stop_signal, 0, 0, 0)
        if os.getppid() == guard:
            os.execv(order.argv[0], order.argv)
    except OSError as error:
        os.write(2, f"Cannot start {order.argv[0]}: {error}\n".encode())
    finally:
        os._exit(127)


def _become(libc: ctypes.CDLL, user: int, group: int) -> None:
    """Give up root but for one right, to read and pass folders: our programs may lie below a closed one."""
    # Without this bit the kernel takes all rights away at setuid, and access(2), which PostgreSQL asks about its own
    # programs, answers as if the one right were not there.
    if libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECUREBITS)")
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    bit = 1 << CAP_DAC_READ_SEARCH
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    if libc.capset(header, struct.pack("=6I", bit, bit, bit, 0, 0, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    if libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_CAP_AMBIENT)")


def main() -> int:
    """Entry point: the order is the only argument."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    guard = Guard(Order(**json.loads(sys.argv[1])))
    print(guard.child, flush=True)
    return guard.run()


if __name__ == "__main__":
    sys.exit(main())
