"""A small HTTP load client: keep-alive connections that each send the next request when the answer has come.

It does as little as it can per request, because it shares the machine with the server it measures.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from adapters.errors import Terminal

CONNECTIONS = 16


@dataclass
class Load:
    """What came of a load.

    Attributes:
        answers: how many answers of status 200 came within the time.
        seconds: how long was measured.
        others: answers of another status.
    """

    answers: int = 0
    seconds: float = 0.0
    others: int = 0
    times: list[float] = field(default_factory=list, repr=False)

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """The time within which a share of the answers came, in seconds."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class _Connection(asyncio.Protocol):
    """One connection: sends, waits for the whole answer (by its Content-Length), sends again."""

    def __init__(self, request: bytes, load: Load, until: float) -> None:
        self._request, self._load, self._until = request, load, until
        self._buffer = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        now = time.perf_counter()
        if now > self._until:
            self._end()
            return
        if head.startswith(b"HTTP/1.1 200"):
            self._load.answers += 1
        else:
            self._load.others += 1
        self._load.times.append(now - self._began)
        self._buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def _send(self) -> None:
        assert self._transport is not None
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def _end(self) -> None:
        assert self._transport is not None
        self.over.set_result(None)
        self._transport.close()


def run(
    url: str,
    seconds: float,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    connections: int = CONNECTIONS,
) -> Load:
    """Load an address for some seconds with one request, again and again: POST when it has a body, GET otherwise.

    Raises:
        Terminal: an answer was not 200, so that the figure would mean nothing.
    """
    load = asyncio.run(_run(url, seconds, _request(url, headers or {}, body), connections))
    if load.others or not load.answers:
        raise Terminal("bench.answers", "{others} answers of {url} were no 200.", others=load.others, url=url)
    return load


def _request(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    address = urlsplit(url)
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    lines = [f"{'POST' if body else 'GET'} {target} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _run(url: str, seconds: float, request: bytes, connections: int) -> Load:
    address = urlsplit(url)
    load, began = Load(), time.perf_counter()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda: _Connection(request, load, began + seconds), address.hostname or "", address.port or 80
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.over for _, protocol in made))
    load.seconds = time.perf_counter() - began
    return load


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0
