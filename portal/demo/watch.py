"""How much memory a hub's processes hold together, from /proc."""

import os
import threading
from pathlib import Path

from adapters.services.process import MARKER

EVERY_SECONDS = 5.0
KIB = 1024


class MemoryWatch:
    """Measures every few seconds, from a thread of its own, and keeps the largest sum.

    Args:
        home: the hub's home, absolute; whatever the hub started carries it in its environment.
    """

    def __init__(self, home: Path) -> None:
        self.largest_bytes = 0
        self._marker = f"{MARKER}={home}".encode()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch", daemon=True)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self.largest_bytes = max(self.largest_bytes, self.measure())

    def measure(self) -> int:
        """The bytes held now: proportional set sizes, in which a page that several processes share counts once."""
        return sum(_held(process) for process in Path("/proc").iterdir() if self._is_ours(process))

    def _is_ours(self, process: Path) -> bool:
        if process.name == str(os.getpid()):
            return True
        try:
            return process.name.isdigit() and self._marker in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            return False


def _held(process: Path) -> int:
    """Proportional set size of a process, in bytes; 0 when it has ended."""
    try:
        lines = (process / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * KIB for line in lines if line.startswith("Pss:")), 0)
