"""The witness itself: cosigns a checkpoint when the log's key signed it and it continues what was cosigned before.

C2SP tlog-witness, ``add-checkpoint``, with its statuses. Check and record happen under one lock, and the record is on
the disk before the answer.
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.clock import system_now
from adapters.errors import InvalidInput, Terminal
from audit.checkpoint import Checkpoint
from audit.keys import Cosigner, VerifierKey
from audit.merkle import EMPTY_ROOT, verify_consistency
from audit.note import Note, Signature
from audit.witness.keeping import keep_note, keep_refused, kept_note, lock, origin_hash, read_or_make_key
from audit.witness.submission import Submission

PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"


@dataclass(frozen=True)
class Answer:
    """What the witness answers: status, body, content type."""

    status: int
    body: str
    kind: str = PLAIN


class Witness:
    """One witness with its folder, which no other process may use meanwhile.

    Args:
        folder: keeps its key and what it cosigned.
        name: of the witness; needed at its first start.
        logs: public keys of the logs that it cosigns for, by the origins that name them.

    Raises:
        Misconfigured: the key cannot be had.
        Conflict: another process uses the folder.
        Terminal: what the folder keeps was not cosigned by this witness.
    """

    def __init__(self, folder: Path, name: str, logs: Sequence[VerifierKey]) -> None:
        self.cosigners = cosigners(folder, name)
        self._folder = folder
        self._logs = tuple(logs)
        self._held = lock(folder)
        self._one_at_a_time = threading.Lock()
        try:
            for origin in {key.name for key in logs}:
                self._last(origin)
        except Terminal:
            self.close()
            raise

    def close(self) -> None:
        """Give the folder back."""
        os.close(self._held)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a submission: cosignature lines with 200; 400, 403, 404, 409, 422 as C2SP tlog-witness says."""
        try:
            submission = Submission.parse(body)
        except InvalidInput as error:
            return Answer(400, f"{error}\n")
        following, note = submission.checkpoint, Note.parse(submission.note)
        trusted = [key for key in self._logs if key.name == following.origin]
        if not trusted:
            return Answer(404, "This witness does not know that log.\n")
        named = [key for key in trusted if note.lines_of(key)]
        if not named or not all(map(note.is_signed_by, named)):
            return Answer(403, "The checkpoint is not signed by a key of the log that this witness trusts.\n")
        with self._one_at_a_time:
            return self._decide(submission, following, Note(note.text, _of(note, named)), body)

    def last_note(self, digest: str) -> Answer:
        """The last checkpoint cosigned for the log of that origin hash, with all signatures; 404 when there is none."""
        known = digest in {origin_hash(key.name) for key in self._logs}
        note = kept_note(self._folder, digest) if known else ""
        return Answer(200, note) if note else Answer(404, "This witness cosigned no such log.\n")

    def _decide(self, submission: Submission, following: Checkpoint, signed: Note, body: bytes) -> Answer:
        last = self._last(following.origin)
        if submission.old_size != last.size:
            return Answer(409, f"{last.size}\n", SIZE)
        if following.size == last.size and following.root != last.root:
            keep_refused(self._folder, origin_hash(following.origin), body)
            return Answer(409, f"The checkpoint has another root than that of {last.size} entries cosigned before.\n")
        if not verify_consistency(last.size, following.size, last.root, following.root, submission.proof):
            keep_refused(self._folder, origin_hash(following.origin), body)
            return Answer(422, f"The checkpoint does not continue the one of {last.size} entries cosigned before.\n")
        moment = int(system_now().timestamp())
        note = signed
        for cosigner in self.cosigners:
            note = note.cosigned(cosigner, moment)
        keep_note(self._folder, origin_hash(following.origin), str(note))
        return Answer(200, "".join(map(str, note.signatures[len(signed.signatures) :])))

    def _last(self, origin: str) -> Checkpoint:
        """What was cosigned last, by what the disk says; it must bear this witness's own signatures."""
        kept = kept_note(self._folder, origin_hash(origin))
        if not kept:
            return Checkpoint(origin, 0, EMPTY_ROOT)
        try:
            note = Note.parse(kept)
            last = Checkpoint.parse(note.text)
        except InvalidInput:
            raise _damaged(origin) from None
        if last.origin != origin or not all(note.is_signed_by(cosigner.verifier) for cosigner in self.cosigners):
            raise _damaged(origin)
        return last


def cosigners(folder: Path, name: str) -> tuple[Cosigner, Cosigner]:
    """The two keys of the witness of a folder, Ed25519 and ML-DSA-44, of one seed; made if there is none yet.

    Raises:
        Misconfigured: the key cannot be had.
    """
    name, seed = read_or_make_key(folder, name)
    return Cosigner(name, Ed25519PrivateKey.from_private_bytes(seed)), Cosigner.beside(name, seed)


def _of(note: Note, keys: Sequence[VerifierKey]) -> tuple[Signature, ...]:
    return tuple(line for key in keys for line in note.lines_of(key))


def _damaged(origin: str) -> Terminal:
    return Terminal(
        "witness.state_damaged",
        "What this witness keeps of the log {origin} was changed by somebody else. Put its folder back as it was; to"
        " begin anew would let the log rewrite its past.",
        origin=origin,
    )
