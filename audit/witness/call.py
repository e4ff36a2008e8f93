"""The hub's call to a witness: one request to the address that the policy names, no redirect followed, no proxy."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

from audit.witness.submission import LARGEST_BODY

SECONDS = 5.0
LONGEST_SIZE = 15
"""Digits of a size that is believed; a larger one is no log's, and no number that an entry can state (RFC 8785)."""


@dataclass(frozen=True)
class Reply:
    """What came back; status 0 when nothing did that is an answer."""

    status: int
    body: str = ""

    @property
    def its_size(self) -> int | None:
        """The size that a witness has cosigned, where it says by a 409 that this is another; None for no such word."""
        said = self.body.strip()
        believed = self.status == 409 and said.isascii() and said.isdecimal() and len(said) <= LONGEST_SIZE
        return int(said) if believed else None


def call(url: str, body: str) -> Reply:
    """Submit a checkpoint.

    Args:
        url: the witness's submission prefix.
        body: as `audit.witness.submission.Submission` writes it.
    """
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
        connection.request("POST", f"{parts.path.rstrip('/')}/add-checkpoint", body.encode(), headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(LARGEST_BODY).decode())
    except (OSError, http.client.HTTPException, ValueError):
        return Reply(0)
    finally:
        connection.close()
