"""Promises of inclusion: the log's signed word that entries will be in it by a moment.

Whoever holds one misses an entry that was erased before it was numbered. A promise is a signed note (C2SP signed-note)
whose first line no log can be named by, so that it is never taken for a checkpoint, nor a checkpoint for a promise.
"""

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.dated import Dated
from audit.keys import VerifierKey
from audit.log_keys import promise_signer
from audit.merkle import HASH_SIZE
from audit.models import Evidence
from audit.note import Note

CONTEXT = "shuniu promise of inclusion, version 1"
MOST_LEAVES = 16
BEYOND_GRACE = timedelta(minutes=1)


@dataclass(frozen=True)
class Promise:
    """What a promise says.

    Attributes:
        origin: the log's name.
        made_at, due_by: UTC; by ``due_by`` every leaf is in the log.
        leaves: leaf hashes (RFC 6962, 32 bytes) of 1 to 16 entries.
    """

    origin: str
    made_at: datetime
    due_by: datetime
    leaves: tuple[bytes, ...]

    def __str__(self) -> str:
        leaves = (base64.b64encode(leaf).decode() for leaf in self.leaves)
        return "\n".join([CONTEXT, self.origin, _written(self.made_at), _written(self.due_by), *leaves, ""])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a promise.

        Raises:
            InvalidInput: it is not formed as one.
        """
        lines = text.split("\n")
        if not 6 <= len(lines) <= 5 + MOST_LEAVES:
            raise _malformed()
        try:
            leaves = tuple(base64.b64decode(line, validate=True) for line in lines[4:-1])
            promise = cls(lines[1], _read(lines[2]), _read(lines[3]), leaves)
        except (ValueError, binascii.Error):
            raise _malformed() from None
        if any(len(leaf) != HASH_SIZE for leaf in leaves) or str(promise) != text:
            raise _malformed()
        return promise


def promised(settings: Settings, leaves: Sequence[bytes], made_at: datetime | None = None) -> str:
    """Promise committed entries; "" where there is nothing to promise, or no key to sign with.

    Args:
        leaves: their leaf hashes. The first 16 are promised, so that the promise fits a header of an answer.
        made_at: when they were written; now when not given.

    Raises:
        Misconfigured: the key is wrong.
    """
    if not leaves or not settings.promise_key:
        return ""
    key, moment = promise_signer(settings), made_at or system_now()
    promise = Promise(settings.log_origin, moment, moment + promised_term(settings), tuple(leaves[:MOST_LEAVES]))
    return str(Note(str(promise)).signed(key))


def promised_term(settings: Settings) -> timedelta:
    """Within what the log promises to hold an entry: never less than it may be behind before the hub stops delivering,
    and a minute to go on, so that nothing is promised of which the hub knows that it may not be so."""
    least = timedelta(seconds=settings.evidence_grace_seconds) + BEYOND_GRACE
    return max(timedelta(seconds=settings.promise_seconds), least)


def promised_about(session: Session, settings: Settings, *subjects: str) -> str:
    """Promise the entries about subjects as they are committed now; reading the same later gives the same promise.

    Args:
        subjects: ``noun/identifier`` each; of more than 16 entries the newest are promised.
    """
    about = select(Evidence.leaf_hash, Evidence.recorded_at).where(Evidence.subject.in_(subjects))
    newest = session.execute(about.order_by(Evidence.recorded_at.desc(), Evidence.id.desc()).limit(MOST_LEAVES)).all()
    return promised(settings, [row.leaf_hash for row in newest[::-1]], newest[0].recorded_at) if newest else ""


def as_header(promise: str) -> str:
    """A promise as the value of a header: a byte sequence (RFC 8941, 3.3.5)."""
    return f":{base64.b64encode(promise.encode()).decode()}:"


def is_promise(data: bytes) -> bool:
    """Whether a file seems to hold a promise, as a note or as the value of a header."""
    return _unwrapped(data).startswith(CONTEXT.encode() + b"\n")


def open_promise(data: bytes, key: VerifierKey, origin: str) -> Promise:
    """Read a signed promise, as a note or as the value of a header, and trust it.

    Args:
        key: that the log's promises are signed with (``LogKeys.promises``).
        origin: the log's name.

    Raises:
        InvalidInput: it is malformed, of another log, or not signed by the key.
    """
    try:
        note = Note.parse(_unwrapped(data).decode())
    except UnicodeDecodeError:
        raise _malformed() from None
    promise = Promise.parse(note.text)
    if promise.origin != origin or not note.is_signed_by(key):
        raise InvalidInput(
            "evidence.promise_not_signed",
            "The promise is not signed by the key {key} of the log {origin}, so it binds nobody. Ask the log's operator"
            " which key it was signed with.",
            key=str(key),
            origin=origin,
        )
    return promise


@dataclass(frozen=True)
class Kept:
    """How a promise stands.

    Attributes:
        found: the promised leaves that are in the log, with their numbers.
        missing: those that are not.
        due_by: when they had to be there.
        due: whether that moment is past.
        late: a checkpoint that the log signed after that moment without all of them; None where none is known.
        in_time: whether a checkpoint with all of them was surely there by then. Where neither shows, nobody knows.
    """

    found: Mapping[bytes, int]
    missing: tuple[bytes, ...]
    due_by: datetime
    due: bool
    late: Dated | None = None
    in_time: bool = False

    @property
    def state(self) -> str:
        """``kept``, ``late``, ``broken``, or ``not due`` yet."""
        if not self.missing:
            return "late" if self.late else "kept"
        return "broken" if self.due else "not due"


def judged(promise: Promise, found: Mapping[bytes, int], now: datetime, checkpoints: Collection[Dated] = ()) -> Kept:
    """Judge a promise by the leaves that a log was seen to hold.

    Args:
        found: leaf hash to number in the log; others than the promised ones may be among them.
        now: when the log was read.
        checkpoints: of the log, by which it may show when the leaves came into it. One dated after ``now`` shows
            nothing: the clock ran ahead when it was signed.
    """
    held = {leaf: found[leaf] for leaf in promise.leaves if leaf in found}
    missing, due_by, last = _without(promise.leaves, held), promise.due_by, max(held.values(), default=0)
    past = ((each, each.signed_after(due_by)) for each in checkpoints if each.size <= last)
    late = next((each for each, signed in past if signed and signed <= now), None)
    in_time = not missing and any(each.size > last and each.was_there_by(due_by) for each in checkpoints)
    return Kept(held, missing, due_by, now > due_by, late, in_time)


def _without(leaves: Iterable[bytes], found: Mapping[bytes, int]) -> tuple[bytes, ...]:
    return tuple(leaf for leaf in leaves if leaf not in found)


def _unwrapped(data: bytes) -> bytes:
    stripped = data.strip()
    if stripped[:1] == stripped[-1:] == b":":
        try:
            return base64.b64decode(stripped[1:-1], validate=True)
        except (ValueError, binascii.Error):
            return data
    return data


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _malformed() -> InvalidInput:
    return InvalidInput(
        "evidence.bad_promise",
        "This is not a promise of inclusion. Take it whole from the header Shuniu-Promise of the answer, or from the"
        " delivery's page.",
    )
