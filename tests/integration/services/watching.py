"""What the kernel knows about processes and sockets, read from ``/proc``."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LISTENING = "0A"


@dataclass(frozen=True, order=True)
class Listener:
    """A TCP socket that takes connections."""

    address: str
    port: int


def listeners(pids: list[int]) -> set[Listener]:
    """Every TCP socket on which one of these processes listens, IPv4 and IPv6."""
    inodes = {inode for pid in pids for inode in _socket_inodes(pid)}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.add(Listener(_readable(address), int(port, 16)))
    return found


def unix_sockets(pids: list[int]) -> set[str]:
    """Names of the unix sockets on which one of these processes listens."""
    inodes = {inode for pid in pids for inode in _socket_inodes(pid)}
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return {row[7] for row in rows if len(row) > 7 and row[6] in inodes and int(row[3], 16) & 0x10000}


def processes_of(home: Path) -> dict[int, str]:
    """Process ids and names of everything alive that mentions a home in its command line or its environment."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(home).encode() in said and state != "Z":
            found[int(entry.name)] = (entry / "comm").read_text().strip()
    return found


def wait_until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def _socket_inodes(pid: int) -> set[str]:
    inodes = set()
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # it has ended
        links = []
    for link in links:
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return inodes


def _readable(address: str) -> str:
    if len(address) > 8:
        return address
    return ".".join(str(int(address[place : place + 2], 16)) for place in (6, 4, 2, 0))
