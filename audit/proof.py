"""Proofs that an entry is in the log: C2SP tlog-proof files, made from tiles and checked without the hub."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy.orm import Session

from adapters.errors import Conflict, InvalidInput, NotFound
from adapters.prepared import Prepared
from audit.checkpoint import Checkpoint
from audit.log_keys import LogKeys
from audit.merkle import HASH_SIZE, inclusion_proof, leaf_hash, verify_inclusion
from audit.note import Note
from audit.tiles import around, reader
from audit.witness.gathered import last_checkpoint, newest_cosigned
from audit.witness.policy import Policy
from audit.witness.quorum import trusted_checkpoint

HEADER = "c2sp.org/tlog-proof@v1"
MAXIMUM_PATH = 64
_TILES = Prepared(
    "SELECT level, number, hashes FROM log_tile WHERE (level, number) IN"
    " (SELECT * FROM unnest(%(levels)s::integer[], %(numbers)s::bigint[]))",
    binary=True,
)
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Proof:
    """A proof file.

    Attributes:
        index: the entry's number.
        path: hashes from the leaf's sibling to the root's child.
        checkpoint: the signed note, verbatim.
        extra: what an application added; nothing vouches for it.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""

    def __str__(self) -> str:
        extra = [f"extra {base64.b64encode(self.extra).decode()}"] if self.extra else []
        path = [base64.b64encode(node).decode() for node in self.path]
        return "\n".join([HEADER, *extra, f"index {self.index}", *path, "", self.checkpoint])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a proof file without judging it.

        Raises:
            InvalidInput: it is not formed as one.
        """
        head, gap, checkpoint = text.partition("\n\n")
        header, *lines = head.split("\n")
        extra = lines.pop(0).removeprefix("extra ") if lines and lines[0].startswith("extra ") else ""
        index = _INDEX.fullmatch(lines[0]) if lines else None
        if header != HEADER or not gap or index is None or len(lines) > MAXIMUM_PATH + 1:
            raise _malformed()
        try:
            path = tuple(base64.b64decode(line, validate=True) for line in lines[1:])
            proof = cls(int(index[1]), path, checkpoint, base64.b64decode(extra, validate=True))
        except (ValueError, binascii.Error):
            raise _malformed() from None
        if any(len(node) != HASH_SIZE for node in path):
            raise _malformed()
        Checkpoint.parse(Note.parse(checkpoint).text)
        return proof


def prove(session: Session, index: int) -> Proof:
    """Prove that an entry is in the log of the last checkpoint.

    Raises:
        NotFound: no checkpoint covers such a number yet.
        Conflict: a tile of the log is missing, or ends too early.
    """
    return prove_all(session, [index])[0]


def prove_all(session: Session, indices: Sequence[int]) -> list[Proof]:
    """Prove that entries are in the log, all under one checkpoint: the newest that enough witnesses cosigned and that
    covers them, if it is not too old, otherwise the last, with the cosignatures that it has so far.

    Raises:
        NotFound: no checkpoint covers one of the numbers yet.
        Conflict: a tile of the log is missing, or ends too early.
    """
    last = last_checkpoint(session)
    size = last.size if last else 0
    missing = [index for index in indices if not 0 <= index < size]
    if last is None or missing:
        raise NotFound(
            "evidence.not_in_log",
            "The log has no entry {index}; the last checkpoint is of {size} entries. A new entry is numbered within"
            " about a second.",
            index=(missing or [0])[0],
            size=size,
        )
    chosen = newest_cosigned(session, above=max(indices, default=0)) or last
    size, note = chosen.size, chosen.note
    places = sorted(set().union(*(around(index, size) for index in indices)))
    found = _TILES.rows(session, levels=[level for level, _ in places], numbers=[number for _, number in places])
    tiles = {(row.level, row.number): row.hashes for row in found}
    read = reader(lambda *place: tiles.get(place, b""))
    try:
        return [Proof(index, tuple(inclusion_proof(index, size, read)), note) for index in indices]
    except LookupError as error:
        raise Conflict(
            "evidence.tile_missing",
            "Nothing can be proved: hashes of the log are missing ({reason}). Run `shuniu audit verify`.",
            reason=str(error),
        ) from error


def check(proof: Proof, entry: bytes, keys: LogKeys, policy: Policy | None = None) -> Checkpoint:
    """Check a proof against the entry's text, without the hub.

    Args:
        entry: the entry's canonical bytes.
        keys: the log's public keys; what is signed with one must be right.
        policy: which witnesses must have cosigned the checkpoint; None asks for none.

    Returns:
        The checkpoint that the entry was proved to be under.

    Raises:
        InvalidInput: the checkpoint is not the log's, too few cosigned it, or the entry is not at that number.
    """
    checkpoint = trusted_checkpoint(proof.checkpoint, keys, policy)
    if not verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise InvalidInput(
            "evidence.not_included",
            "The proof does not show this entry: entry {index} of the log is another, or the proof was changed.",
            index=proof.index,
        )
    return checkpoint


def _malformed() -> InvalidInput:
    return InvalidInput(
        "evidence.bad_proof", "This is not a proof file (c2sp.org/tlog-proof@v1). Fetch it again, whole."
    )
