"""The witness over HTTP: ``POST /add-checkpoint`` and ``GET /<origin hash>/checkpoint`` (C2SP tlog-witness)."""

import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from audit.witness.cosign import Answer, Witness
from audit.witness.submission import LARGEST_BODY

AT_ONCE = 32
SECONDS = 10
_log = logging.getLogger("shuniu.witness")


class Server(ThreadingHTTPServer):
    """Serves one witness; a connection beyond so many at once is closed unanswered.

    Args:
        address: host and port; port 0 takes a free one.
        witness: who decides.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.witness = witness
        self._places = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, Handler)

    def process_request(self, request: object, client_address: object) -> None:
        """Answer in a thread of its own, if there is a place."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)  # type: ignore[arg-type]  # the caller's own two values
        else:
            self.shutdown_request(request)  # type: ignore[arg-type]  # as above

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Answer, then give the place back."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]  # as above
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke, or a fault of ours: neither ends the server."""
        _log.warning("A connection from %s ended early.", client_address, exc_info=True)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    server_version = "shuniu-witness"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def do_POST(self) -> None:
        """``add-checkpoint``."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._answer(Answer(400, f"A submission states its length and has at most {LARGEST_BODY} bytes.\n"))
            return
        body = self.rfile.read(int(length))
        known = self.path == "/add-checkpoint"
        self._answer(self.server.witness.add_checkpoint(body) if known else Answer(404, "There is nothing here.\n"))

    def do_GET(self) -> None:
        """The last cosigned checkpoint of a log."""
        digest, slash, rest = self.path.removeprefix("/").partition("/")
        known = slash and rest == "checkpoint"
        self._answer(self.server.witness.last_note(digest) if known else Answer(404, "There is nothing here.\n"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Into the log of the program."""
        _log.info("%s %s", self.address_string(), format % args)

    def _answer(self, answer: Answer) -> None:
        data = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
