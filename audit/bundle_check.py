"""Check an evidence bundle offline: with nothing but its bytes and the log's public keys.

It goes from the outside in and stops at the first part that is wrong: the zip, the manifest's signature, each file's
digest, the checkpoint, each entry's proof, then each document against the entries and signatures that speak of it.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from adapters.errors import InvalidInput
from audit.bundle import (
    AGREEMENT,
    ANSWER,
    CHECKPOINT,
    DELIVERY,
    GRANT,
    KEYS,
    MANIFEST,
    RECEIPT,
    SIGNATURES,
    Manifest,
    entry_name,
    proof_name,
    unpack,
    wrong,
)
from audit.keys import VerifierKey
from audit.log_keys import LogKeys
from audit.note import Note
from audit.proof import Proof, check
from audit.witness.policy import Policy
from audit.witness.quorum import trusted_checkpoint
from schemas.canonical import canonical_bytes

Entry = dict[str, Any]


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
    entries = _entries(files, keys, policy)
    fingerprints = _keys(files)
    delivery = _document(files, DELIVERY)
    if delivery is None or delivery.get("id") != manifest.delivery:
        raise wrong(DELIVERY, "is of another delivery than the manifest says")
    _delivery(delivery, entries)
    _grant(_document(files, GRANT), entries)
    _answer(_document(files, ANSWER), entries)
    signers = _agreement(files, entries, fingerprints)
    receipt = _receipt(_document(files, RECEIPT), delivery, entries, fingerprints)
    return (
        f"the bundle of delivery {delivery.get('number')} holds: {len(entries)} entries of the log {keys.log.name};"
        f" agreement signed with {signers} keys; {receipt}."
    )


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


def _entries(files: Mapping[str, bytes], keys: LogKeys, policy: Policy | None) -> list[Entry]:
    """All entries, proved to be in the log, by number."""
    note = files[CHECKPOINT].decode(errors="replace")
    try:
        trusted_checkpoint(note, keys, policy)
    except InvalidInput as error:
        raise wrong(CHECKPOINT, f"cannot be trusted ({error})") from error
    numbers = {int(name[8:-5]) for name in files if name.startswith("entries/")}
    proved = {int(name[7:-11]) for name in files if name.startswith("proofs/")}
    for index in sorted(numbers ^ proved):
        raise wrong(entry_name(index), "or its proof is missing")
    return [_entry(files, index, note, keys) for index in sorted(numbers)]


def _entry(files: Mapping[str, bytes], index: int, note: str, keys: LogKeys) -> Entry:
    body, text = files[entry_name(index)], files[proof_name(index)].decode(errors="replace")
    try:
        proof = Proof.parse(text)
        check(proof, body, keys)
    except InvalidInput as error:
        raise wrong(proof_name(index), f"does not prove its entry ({error})") from error
    if proof.checkpoint != note or proof.index != index:
        raise wrong(proof_name(index), "is of another number, or under another checkpoint than the bundle's")
    return _json(body, entry_name(index))


def _keys(files: Mapping[str, bytes]) -> dict[str, VerifierKey]:
    """Agencies' signing keys by fingerprint."""
    found = {}
    for each in _listed(_json(files[KEYS], KEYS).get("agencies"), KEYS):
        public = each.get("public_key")
        if not isinstance(public, str) or hashlib.sha256(public.encode()).hexdigest() != each.get("fingerprint"):
            raise wrong(KEYS, "has a key whose fingerprint is another's")
        found[each["fingerprint"]] = VerifierKey("agency", _bytes(public, KEYS))
    return found


def _delivery(delivery: Entry, entries: Sequence[Entry]) -> None:
    about = [each for each in entries if each.get("subject") == f"delivery/{delivery['id']}"]
    requested, prepared = _told(about, "delivery.requested"), _told(about, "delivery.prepared")
    if not requested or requested[0].get("number") != delivery.get("number"):
        raise wrong(DELIVERY, "has no entry that it was asked for")
    for told in prepared:
        if any(told.get(name) != delivery.get(name) for name in ("sha256", "rows", "bytes")):
            raise wrong(DELIVERY, "differs from the entry that it was prepared")
    if delivery.get("sha256") and not prepared:
        raise wrong(DELIVERY, "has no entry that it was prepared")


def _grant(grant: Entry | None, entries: Sequence[Entry]) -> None:
    opened = [told for told in _told(entries, "grant.opened") if grant and told.get("number") == grant.get("number")]
    if grant is None or not opened:
        raise wrong(GRANT, "is missing, or has no entry that it was opened")
    for name in ("items", "modes", "valid_from", "valid_to"):
        said = opened[0].get(name)
        if said not in (grant.get(name), len(grant.get("items") or ()) if name == "items" else grant.get(name)):
            raise wrong(GRANT, f"differs in {name} from the entry that it was opened")


def _answer(answer: Entry | None, entries: Sequence[Entry]) -> None:
    if answer is None:
        return
    told = _told(entries, "application.answered")
    if not any(all(each.get(name) == answer.get(name) for name in ("number", "round", "late")) for each in told):
        raise wrong(ANSWER, "has no entry that it was given")


def _agreement(files: Mapping[str, bytes], entries: Sequence[Entry], keys: Mapping[str, VerifierKey]) -> int:
    """How many keys signed the agreement; each of them is in an entry."""
    if (AGREEMENT in files) != (SIGNATURES in files):
        raise wrong(AGREEMENT, "or its signatures are missing")
    if AGREEMENT not in files:
        return 0
    agreement = _json(files[AGREEMENT], AGREEMENT)
    told = [each for each in _told(entries, "agreement.signed") if each.get("number") == agreement.get("number")]
    signers = set()
    for each in _listed(_json(files[SIGNATURES], SIGNATURES).get("signatures"), SIGNATURES):
        key = keys.get(each.get("key", ""))
        if key is None or not key.verifies(files[AGREEMENT], _bytes(each.get("signature"), SIGNATURES)):
            raise wrong(SIGNATURES, "has a signature that is not right over the agreement")
        signers.add(each["key"])
    if not signers or signers != {each.get("key") for each in told}:
        raise wrong(SIGNATURES, "are not those that the entries speak of")
    return len(signers)


def _receipt(receipt: Entry | None, delivery: Entry, entries: Sequence[Entry], keys: Mapping[str, VerifierKey]) -> str:
    told = _told(entries, "delivery.acknowledged")
    if receipt is None:
        if told:
            raise wrong(RECEIPT, "is missing, and an entry says that the delivery was acknowledged")
        return "not acknowledged yet"
    names = ("sha256", "accepted", "receipt", "key", "signature")
    if not any(all(each.get(name) == receipt.get(name) for name in names) for each in told):
        raise wrong(RECEIPT, "differs from the entry that the delivery was acknowledged")
    if receipt.get("accepted") and receipt.get("sha256") != delivery.get("sha256"):
        raise wrong(RECEIPT, "is of other bytes than those delivered")
    if receipt.get("signature"):
        key = keys.get(receipt.get("key", ""))
        signed = canonical_bytes(receipt.get("receipt"))
        if key is None or not key.verifies(signed, _bytes(receipt["signature"], RECEIPT)):
            raise wrong(RECEIPT, "has a signature that is not right over it")
        return f"receipt signed with the key {receipt['key']}"
    return "receipt recorded" if receipt.get("accepted") else "turned down by its receiver"


def _told(entries: Sequence[Entry], kind: str) -> list[Entry]:
    """What entries of a kind say after the change, where they were not refused."""
    data = [each.get("data") or {} for each in entries if each.get("type") == f"cn.shuniu.{kind}"]
    return [each["after"] for each in data if each.get("outcome") == "DONE" and each.get("after")]


def _document(files: Mapping[str, bytes], name: str) -> Entry | None:
    return _json(files[name], name) if name in files else None


def _json(data: bytes, name: str) -> Entry:
    try:
        value = orjson.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise wrong(name, "is not a JSON object")
    return value


def _listed(value: object, name: str) -> list[Entry]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise wrong(name, "is not written as a bundle has it")
    return value


def _bytes(text: object, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (ValueError, binascii.Error):
        raise wrong(name, "has a value that is not base64") from None
