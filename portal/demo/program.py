"""An agency's program: calls the hub over HTTP with client credentials and nothing else."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3

from portal.demo.stage import Unexpected, expect

SECONDS = 60.0
_pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=SECONDS), retries=False)


@dataclass(frozen=True)
class Answered:
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return orjson.loads(self.body)


def fetch(url: str, headers: Mapping[str, str] | None = None) -> Answered:
    """GET an address, as somebody nobody knows unless headers say otherwise."""
    return call("GET", url, headers=headers)


def call(method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answered:
    """One HTTP call; every status is an answer.

    Raises:
        Unexpected: the server does not answer.
    """
    try:
        answer = _pool.request(method, url, body=body, headers=dict(headers or {}), redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise Unexpected("demo.http", "{url} does not answer: {reason}.", url=url, reason=str(error)) from error
    return Answered(answer.status, answer.headers, answer.data)


class Program:
    """A program with its client id and secret.

    Args:
        portal_url: address of the portal.
        token: a token that it has already; else it gets one when it needs it.
    """

    def __init__(self, portal_url: str, client_id: str, secret: str, token: str = "") -> None:
        self._url, self._client_id, self._secret = portal_url, client_id, secret
        self._token = token

    def get(self, path: str) -> Answered:
        """GET of the API."""
        return call("GET", self._url + path, headers=self._headers())

    def post(self, path: str, body: Mapping[str, Any]) -> Answered:
        """POST of the API, under an idempotency key of its own."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        return call("POST", self._url + path, body=orjson.dumps(body), headers=self._headers() | headers)

    def token(self) -> str:
        """A bearer token (RFC 6749, 4.4)."""
        if not self._token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._secret,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = call("POST", f"{self._url}/oauth/token", body=urlencode(form).encode(), headers=headers)
            expect(answer.status == 200, f"a token for the program, not status {answer.status}")
            self._token = answer.json["access_token"]
        return self._token

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}", "Accept": "application/json"}
