"""Checkpoints: signed statements of the log's size and root (C2SP tlog-checkpoint).

The one way to sign is `sign_next`, which signs nothing that does not continue the checkpoint before.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from adapters.errors import InvalidInput, Terminal
from audit.keys import SigningKey, VerifierKey
from audit.merkle import EMPTY_ROOT, HASH_SIZE, verify_consistency
from audit.note import Note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint states: the log of this origin has this many leaves and this root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint. Extension lines are passed over: nothing here gives them a meaning.

        Raises:
            InvalidInput: it is not formed as one.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _SIZE.fullmatch(lines[1]):
            raise _malformed()
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (ValueError, binascii.Error):
            raise _malformed() from None
        if len(root) != HASH_SIZE or base64.b64encode(root).decode() != lines[2]:
            raise _malformed()
        return cls(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, key: VerifierKey, origin: str, second: VerifierKey | None = None) -> Checkpoint:
    """Read a signed checkpoint and trust it.

    Args:
        note: the signed note.
        key: the log's public key; it must have signed.
        origin: the log's name.
        second: the log's ML-DSA-44 key: what is signed with it must be right. Checkpoints older than that key are not.

    Raises:
        InvalidInput: it is malformed, of another log, or not signed by the key.
    """
    parsed = Note.parse(note)
    for each in (key, second):
        if each and (each is key or parsed.lines_of(each)) and not parsed.is_signed_by(each):
            raise InvalidInput(
                "evidence.checkpoint_not_signed",
                "The checkpoint is not signed by the key {key}. Ask the log's operator which key it was signed with.",
                key=str(each),
            )
    checkpoint = Checkpoint.parse(parsed.text)
    if checkpoint.origin != origin:
        raise InvalidInput(
            "evidence.checkpoint_of_another_log",
            "The checkpoint is of the log {found}, not of {expected}.",
            found=checkpoint.origin,
            expected=origin,
        )
    return checkpoint


def sign_next(
    key: SigningKey, previous: Checkpoint | None, following: Checkpoint, proof: Sequence[bytes], moment: int = 0
) -> Note:
    """Sign a checkpoint that continues the one before (None: the log was empty), with both keys of the log.

    Args:
        proof: consistency proof from the previous size to the following.
        moment: POSIX seconds, which the second signature states; 0 states none.

    Raises:
        Terminal: the log did not grow, or the proof does not hold. Nothing is signed.
    """
    before = previous or Checkpoint(following.origin, 0, EMPTY_ROOT)
    consistent = verify_consistency(before.size, following.size, before.root, following.root, proof)
    if not consistent or following.size <= before.size or following.origin != before.origin:
        raise Terminal(
            "evidence.inconsistent_checkpoint",
            "The log of {size} entries does not continue its last checkpoint of {before} entries, so it was not signed."
            " Run `shuniu audit verify`.",
            size=following.size,
            before=before.size,
        )
    return Note(str(following)).signed(key).cosigned(key.second, moment)


def _malformed() -> InvalidInput:
    return InvalidInput(
        "evidence.bad_checkpoint",
        "This is not a checkpoint: origin, size and root, each on a line of its own. Fetch it again, whole.",
    )
