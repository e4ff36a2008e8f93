"""Check an evidence bundle offline: with nothing but its bytes and the log's public keys.

It goes from the outside in and stops at the first part that is wrong: the zip, the manifest's signature, each file's
digest, the checkpoint, each entry's proof, then each document against the entries and signatures that speak of it.
"""

import hashlib
from collections.abc import Mapping

from adapters.errors import InvalidInput
from audit.bundle import CHECKPOINT, MANIFEST, Manifest, entry_name, proof_name, unpack, wrong
from audit.bundle_documents import check_documents
from audit.bundle_entries import Entries, Entry, parsed
from audit.log_keys import LogKeys
from audit.note import Note
from audit.proof import Proof, check
from audit.witness.policy import Policy
from audit.witness.quorum import trusted_checkpoint

_MALFORMED = (TypeError, KeyError, AttributeError, IndexError, ValueError, OverflowError, RecursionError)


def check_bundle(data: bytes, keys: LogKeys, policy: Policy | None = None) -> str:
    """Check a bundle.

    Args:
        data: the zip.
        keys: the log's public keys; what is signed with one must be right.
        policy: which witnesses must have cosigned the checkpoint; None asks for none.

    Returns:
        what holds, one sentence.

    Raises:
        InvalidInput: it does not hold; the sentence names the first part that is wrong.
    """
    files = unpack(data)
    manifest = _manifest(files, keys)
    try:
        entries = _entries(files, keys, policy)
        number, said = check_documents(files, manifest.delivery, keys, entries)
    except _MALFORMED as error:
        raise wrong("one of its documents or entries", "is not written as a bundle has it") from error
    return f"the bundle of delivery {number} holds: {len(entries.all)} entries of the log {keys.log.name}; {said}."


def _manifest(files: Mapping[str, bytes], keys: LogKeys) -> Manifest:
    note, key = _note(files[MANIFEST], MANIFEST), keys.promise_key
    if not note.is_signed_by(key):
        raise wrong(MANIFEST, f"is not signed by the key {key}")
    manifest = Manifest.parse(note.text)
    if manifest.origin != keys.log.name:
        raise wrong(MANIFEST, f"is of the log {manifest.origin}")
    for name in sorted({*manifest.digests, *files} - {MANIFEST}):
        if name not in files:
            raise wrong(name, "is in the manifest and missing")
        if manifest.digests.get(name) != hashlib.sha256(files[name]).hexdigest():
            raise wrong(name, "is not as the manifest has it")
    return manifest


def _note(data: bytes, name: str) -> Note:
    try:
        return Note.parse(data.decode())
    except (UnicodeDecodeError, InvalidInput) as error:
        raise wrong(name, "is not a signed note") from error


def _entries(files: Mapping[str, bytes], keys: LogKeys, policy: Policy | None) -> Entries:
    """All entries, proved to be in the log, by number."""
    note = files[CHECKPOINT].decode(errors="replace")
    try:
        trusted_checkpoint(note, keys, policy)
    except InvalidInput as error:
        raise wrong(CHECKPOINT, f"cannot be trusted ({error})") from error
    numbers = {int(name[8:-5]) for name in files if name.startswith("entries/")}
    proved = {int(name[7:-11]) for name in files if name.startswith("proofs/")}
    named = {entry_name(index) for index in numbers} | {proof_name(index) for index in proved}
    for name in sorted(name for name in files if name.startswith(("entries/", "proofs/")) and name not in named):
        raise wrong(name, "is not numbered as a bundle has it")
    for index in sorted(numbers ^ proved):
        raise wrong(entry_name(index), "or its proof is missing")
    return Entries([_entry(files, index, note, keys) for index in sorted(numbers)])


def _entry(files: Mapping[str, bytes], index: int, note: str, keys: LogKeys) -> Entry:
    body, text = files[entry_name(index)], files[proof_name(index)].decode(errors="replace")
    try:
        proof = Proof.parse(text)
        check(proof, body, keys)
    except InvalidInput as error:
        raise wrong(proof_name(index), f"does not prove its entry ({error})") from error
    if proof.checkpoint != note or proof.index != index:
        raise wrong(proof_name(index), "is of another number, or under another checkpoint than the bundle's")
    return parsed(body, entry_name(index))
