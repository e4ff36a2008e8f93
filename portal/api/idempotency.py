"""Repeating a creating request gives its first answer again (draft-ietf-httpapi-idempotency-key-header-07).

The answer is kept in the transaction of what was created. While a request runs it holds an advisory lock on its key, so
a second one at the same time is told so; a crash frees the lock and leaves nothing, and the repetition does the work.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, g, request
from sqlalchemy import delete, func, select

from adapters.clock import system_now
from adapters.errors import Conflict, InvalidInput
from audit.merkle import HASH_SIZE
from audit.written import so_far
from portal.access import current_actor
from portal.edge import current_session, promise_again
from portal.inputs import Malformed
from portal.models import IdempotencyKey

KEPT_FOR = timedelta(days=7)
MAXIMUM_KEY = 255


@dataclass(frozen=True)
class Kept:
    """An answer as it is kept.

    Attributes:
        leaves: leaf hashes of the entries that its request wrote, one after the other; "" where none are known.
        kept_at: when it was kept; None while it is new.
    """

    status: int
    location: str
    body: bytes
    leaves: bytes = b""
    kept_at: datetime | None = None

    def response(self) -> Response:
        """The answer again, marked as a repetition, with the promise that the first one carried.

        A client repeats what it got no answer to, and then holds no promise yet.
        """
        split = range(0, len(self.leaves), HASH_SIZE)
        promise_again(tuple(self.leaves[at : at + HASH_SIZE] for at in split), self.kept_at)
        answer = Response(self.body, status=self.status, content_type="application/json")
        answer.headers["Idempotency-Replayed"] = "true"
        if self.location:
            answer.headers["Location"] = self.location
        return answer


def required_key() -> str:
    """This request's Idempotency-Key, a string in quotes (RFC 8941) or bare.

    Raises:
        Malformed: there is none, or it is not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key:
        raise Malformed(
            "idempotency.missing",
            "This request creates something and needs a header Idempotency-Key, so that repeating it does no harm. "
            "Send a new random value with it and the same value when repeating.",
        )
    if len(key) > MAXIMUM_KEY or not all("!" <= character <= "~" for character in key):
        raise Malformed(
            "idempotency.malformed",
            "The Idempotency-Key must be 1 to {most} visible ASCII characters.",
            most=MAXIMUM_KEY,
        )
    return key


def kept_answer(key: str) -> Kept | None:
    """The answer this key got before, or None, and then the key is locked until this transaction ends.

    Raises:
        Conflict: a request with this key is being worked on.
        InvalidInput: the key came with another body before.
    """
    session = current_session()
    number = int.from_bytes(hashlib.sha256("\x00".join((*_scope(), key)).encode()).digest()[:8], signed=True)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise Conflict(
            "idempotency.in_progress",
            "A request with this Idempotency-Key is being worked on. Wait for its answer, or repeat in a moment.",
        )
    client, route = _scope()
    known = session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.client == client, IdempotencyKey.route == route, IdempotencyKey.key == key
        )
    )
    if known is None:
        return None
    if known.request_digest != _digest():
        raise InvalidInput(
            "idempotency.other_body",
            "This Idempotency-Key was used with another body. Use a new one for a new request.",
        )
    return Kept(known.status, known.location, known.body, known.leaves, known.created_at)


def keep_answer(key: str, answer: Kept) -> None:
    """Keep an answer in the request's transaction, and let go of this client's oldest ones."""
    session, (client, route) = current_session(), _scope()
    session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.client == client, IdempotencyKey.created_at < system_now() - KEPT_FOR
        )
    )
    session.add(
        IdempotencyKey(
            client=client,
            route=route,
            key=key,
            request_digest=_digest(),
            status=answer.status,
            location=answer.location,
            body=answer.body,
            leaves=b"".join(so_far(session)),
        )
    )
    session.flush()


def _scope() -> tuple[str, str]:
    return current_actor().client_id, f"{request.method} {request.path}"[:300]


def _digest() -> bytes:
    """SHA-256 of the body as it came (``portal.inputs.json_body`` keeps it)."""
    body: bytes = g.get("raw_body", b"")
    return hashlib.sha256(body).digest()
