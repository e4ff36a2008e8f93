"""An evidence bundle made without a hub: a log of its own, a delivery with all its documents, agencies' keys."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import tiles
from audit.bundle import (
    AGREEMENT,
    ANSWER,
    CHECKPOINT,
    DELIVERY,
    GRANT,
    KEYS,
    RECEIPT,
    SIGNATURES,
    entry_name,
    pack,
    proof_name,
)
from audit.checkpoint import Checkpoint, sign_next
from audit.keys import SigningKey
from audit.log_keys import LogKeys
from audit.merkle import consistency_proof, inclusion_proof, leaf_hash, root
from audit.proof import Proof
from schemas.canonical import canonical_bytes

LOG = SigningKey("hub.example/log", bytes(range(32)))
PROMISES = SigningKey("hub.example/log/promises", b"p" * 32)
PUBLIC = LogKeys(LOG.verifier, LOG.second.verifier, PROMISES.verifier)
DELIVERY_ID = "5f0c9f0e-6a55-4b1e-9d0e-0c7d1f0a9a11"
_AGENCIES = {
    "asks": Ed25519PrivateKey.from_private_bytes(b"a" * 32),
    "gives": Ed25519PrivateKey.from_private_bytes(b"g" * 32),
}
Document = dict[str, Any]


@dataclass
class Made:
    """The parts of a bundle, to be changed before it is packed."""

    files: dict[str, bytes]

    def packed(self, key: SigningKey = PROMISES) -> bytes:
        """The zip, its manifest signed anew."""
        return pack(LOG.verifier.name, DELIVERY_ID, self.files, key)


def made(receipt_signed_by: str = "asks") -> Made:
    """A bundle in which everything holds, unless another than the receiver signed what stands as its receipt."""
    agreement = canonical_bytes({"number": "XY-1", "clauses": ["保密"]})
    signatures = [
        {"key": _fingerprint(key), "signature": _text(key.sign(agreement)), "agency": name}
        for name, key in _AGENCIES.items()
    ]
    receipt = {"number": "JF-1", "package_sha256": "ab" * 32, "verdict": "ACCEPTED"}
    acknowledged = {
        "sha256": "ab" * 32,
        "accepted": True,
        "receipt": receipt,
        "key": _fingerprint(_AGENCIES["asks"]),
        "signature": _text(_AGENCIES[receipt_signed_by].sign(canonical_bytes(receipt))),
    }
    arrived = {"sha256": "ab" * 32, "rows": 3, "bytes": 99}
    terms = {"items": ["a"], "modes": ["FILES"], "valid_from": "2026-01-01", "valid_to": None}
    answered = {"number": "DF-1", "round": 1, "late": False}
    about = f"delivery/{DELIVERY_ID}"
    entries = [
        _entry("application.answered", "application/1", answered),
        *(_entry("agreement.signed", "agreement/1", {"number": "XY-1", "key": each["key"]}) for each in signatures),
        _entry("grant.opened", "grant/1", {"number": "SX-1", **terms}),
        _entry("delivery.requested", about, {"number": "JF-1"}),
        _entry("delivery.prepared", about, arrived),
        _entry("delivery.acknowledged", about, {"number": "JF-1", **acknowledged}),
    ]
    documents = {
        DELIVERY: {"id": DELIVERY_ID, "number": "JF-1", **arrived},
        GRANT: {"number": "SX-1", "purpose": "核验", **terms},
        ANSWER: {"reason": "同意", **answered},
        SIGNATURES: {"signatures": signatures},
        RECEIPT: acknowledged,
        KEYS: {"log": [str(LOG.verifier)], "agencies": [_named(name, key) for name, key in _AGENCIES.items()]},
    }
    files = {name: canonical_bytes(document) for name, document in documents.items()} | {AGREEMENT: agreement}
    return Made(files | _proved(entries))


def _proved(entries: list[bytes]) -> dict[str, bytes]:
    """Entries as the last of a log of three hundred and more, with proofs and checkpoint."""
    leaves = [leaf_hash(str(number).encode()) for number in range(300)] + [leaf_hash(entry) for entry in entries]
    stored = tiles.extend({}, 0, leaves)
    read = tiles.reader(lambda level, number: stored[level, number])
    size = len(leaves)
    note = str(
        sign_next(LOG, None, Checkpoint(LOG.verifier.name, size, root(leaves)), consistency_proof(0, size, read))
    )
    files = {CHECKPOINT: note.encode()}
    for index, entry in enumerate(entries, 300):
        files[entry_name(index)] = entry
        files[proof_name(index)] = str(Proof(index, tuple(inclusion_proof(index, size, read)), note)).encode()
    return files


def _entry(kind: str, subject: str, after: Document) -> bytes:
    return canonical_bytes(
        {"type": f"cn.shuniu.{kind}", "subject": subject, "data": {"outcome": "DONE", "after": after}}
    )


def _named(name: str, key: Ed25519PrivateKey) -> Document:
    return {"agency": name, "public_key": _public(key), "fingerprint": _fingerprint(key)}


def _public(key: Ed25519PrivateKey) -> str:
    return _text(key.public_key().public_bytes_raw())


def _fingerprint(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(_public(key).encode()).hexdigest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
