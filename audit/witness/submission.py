"""The body of ``add-checkpoint`` (C2SP tlog-witness): an old size, a consistency proof, a checkpoint."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Self

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint
from audit.cosigned import LATEST
from audit.merkle import HASH_SIZE
from audit.note import Note

LARGEST_BODY = 64 * 1024
MAXIMUM_PROOF = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Submission:
    """What a log submits to a witness.

    Attributes:
        old_size: entries of the checkpoint that the witness cosigned last, 0 for none.
        proof: consistency proof from there to the checkpoint, hashes of 32 bytes.
        note: the signed checkpoint.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note states, not yet trusted."""
        return Checkpoint.parse(Note.parse(self.note).text)

    def __str__(self) -> str:
        lines = [f"old {self.old_size}", *(base64.b64encode(node).decode() for node in self.proof)]
        return "\n".join([*lines, "", self.note])

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a body without judging its signatures and its proof.

        Raises:
            InvalidInput: it is not formed as one, or the old size is larger than the checkpoint's.
        """
        try:
            head, _, note = body.decode().partition("\n\n")
            first, *lines = head.split("\n")
            proof = tuple(base64.b64decode(line, validate=True) for line in lines)
        except (ValueError, binascii.Error):
            raise _malformed() from None
        old = _OLD.fullmatch(first)
        wrong = any(len(node) != HASH_SIZE for node in proof) or len(proof) > MAXIMUM_PROOF
        if old is None or wrong:
            raise _malformed()
        read = cls(int(old[1]), proof, note)
        if not read.old_size <= read.checkpoint.size <= LATEST:
            raise _malformed()
        return read


def _malformed() -> InvalidInput:
    return InvalidInput(
        "witness.bad_submission",
        "This is no submission to a witness: an old size, hashes of a consistency proof, a blank line, a checkpoint"
        " that is no smaller.",
    )
