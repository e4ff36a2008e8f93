"""Signed notes: a text and the lines of those who signed it (C2SP signed-note)."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Self

from adapters.errors import InvalidInput
from audit.keys import Cosigner, SigningKey, VerifierKey, is_key_name

DASH = "\N{EM DASH} "
MAXIMUM_NOTE = 1_000_000
MAXIMUM_SIGNATURES = 100


@dataclass(frozen=True)
class Signature:
    """One signature line: the key's name and id (4 bytes), and the signature proper."""

    name: str
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"{DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A text, which ends with a newline, and its signatures. Trust the text only where `is_signed_by` says so."""

    text: str
    signatures: tuple[Signature, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    @classmethod
    def parse(cls, note: str) -> Self:
        """Take a note apart without judging its signatures.

        Raises:
            InvalidInput: it is not formed as a signed note.
        """
        head, gap, tail = note.rpartition("\n\n")
        lines = tail.removesuffix("\n").split("\n")
        printable = all(character >= " " or character == "\n" for character in note)
        if not gap or not tail.endswith("\n") or not printable or len(note) > MAXIMUM_NOTE:
            raise _malformed()
        if len(lines) > MAXIMUM_SIGNATURES:
            raise _malformed()
        return cls(f"{head}\n", tuple(map(_signature, lines)))

    def signed(self, key: SigningKey) -> "Note":
        """The same note with one signature more."""
        verifier = key.verifier
        line = Signature(verifier.name, verifier.identity, key.sign(self.text.encode()))
        return Note(self.text, (*self.signatures, line))

    def cosigned(self, cosigner: Cosigner, moment: int) -> "Note":
        """The same checkpoint with a cosignature more, of a moment in POSIX seconds."""
        verifier = cosigner.verifier
        line = Signature(verifier.name, verifier.identity, cosigner.sign(self.text.encode(), moment))
        return Note(self.text, (*self.signatures, line))

    def lines_of(self, key: VerifierKey) -> tuple[Signature, ...]:
        """The lines that name this key, right or wrong."""
        return tuple(line for line in self.signatures if (line.name, line.key_id) == (key.name, key.identity))

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Whether the key signed this text: at least one line is its own, and every line of its own is right."""
        own = self.lines_of(key)
        return bool(own) and all(key.verifies(self.text.encode(), line.value) for line in own)


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    try:
        value = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise _malformed() from None
    if not line.startswith(DASH) or not is_key_name(name) or len(value) < 5:
        raise _malformed()
    return Signature(name, value[:4], value[4:])


def _malformed() -> InvalidInput:
    return InvalidInput(
        "evidence.bad_note",
        "This is not a signed note: a text, a blank line and signature lines. Fetch it again, whole.",
    )
