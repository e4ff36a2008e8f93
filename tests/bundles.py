"""An evidence bundle made without a hub: a log of its own, a delivery with all its documents, agencies' keys."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
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
from audit.salted import salted_digest
from schemas.canonical import canonical_bytes

LOG = SigningKey("hub.example/log", bytes(range(32)))
PROMISES = SigningKey("hub.example/log/promises", b"p" * 32)
PUBLIC = LogKeys(LOG.verifier, LOG.second.verifier, PROMISES.verifier)
DELIVERY_ID = "5f0c9f0e-6a55-4b1e-9d0e-0c7d1f0a9a11"
_AGENCIES = {
    "asks": Ed25519PrivateKey.from_private_bytes(b"a" * 32),
    "gives": Ed25519PrivateKey.from_private_bytes(b"g" * 32),
}
_SIDES = tuple(_AGENCIES.items())
_SALT = "5a" * 32
MOMENT = "2026-03-01T08:00:00+00:00"
MATTER = "application/1"
SHA256 = "ab" * 32
Document = dict[str, Any]


@dataclass
class Made:
    """The parts of a bundle, to be changed before it is packed."""

    files: dict[str, bytes]

    def packed(self, key: SigningKey = PROMISES) -> bytes:
        """The zip, its manifest signed anew."""
        return pack(LOG.verifier.name, DELIVERY_ID, self.files, key)


def made(receipt_signed_by: str = "asks", *, old: bool = False) -> Made:
    """A bundle in which everything holds, unless another than the receiver signed what stands as its receipt.

    Args:
        old: its entries are from before they had digests of contents, and had those of files in the clear; its
            documents are without salts.
    """
    files, entries = made_parts(receipt_signed_by)
    if old:
        clear = {"delivery.prepared": {"sha256": SHA256}, "release.completed": {"digest": SHA256}}
        clear["delivery.acknowledged"] = _acknowledged(receipt_signed_by)
        for entry in entries:
            entry["data"]["after"].pop("content", None)
            entry["data"]["after"] |= clear.get(entry["type"].removeprefix("cn.shuniu."), {})
        for name in (DELIVERY, GRANT, ANSWER):
            read: Document = orjson.loads(files[name])
            files[name] = canonical_bytes({key: one for key, one in read.items() if key not in {"salt", "salts"}})
    return Made(files | proved([canonical_bytes(each) for each in entries]))


def made_parts(receipt_signed_by: str = "asks") -> tuple[dict[str, bytes], list[Document]]:
    """The documents, and the entries that speak of them."""
    terms: Document = {"purpose": "核验", "modes": ["OFFLINE"], "row_condition": {}, "quota_rows": 9, "valid_to": None}
    agreement = canonical_bytes({"number": "XY-1", "items": [{"field_name": "a"}], "clauses": ["保密"], **terms})
    signatures = [
        {"key": _fingerprint(key), "signature": _text(key.sign(agreement)), "signed_at": MOMENT}
        for key in _AGENCIES.values()
    ]
    acknowledged = _acknowledged(receipt_signed_by)
    figures, digest = {"rows": 3, "bytes": 99}, {"sha256": SHA256}
    seen = {name: acknowledged[name] for name in ("accepted", "key")} | _content(acknowledged)
    prepared = {**figures, "release": "1", "state": "PREPARED", **_content(digest)}
    use = {"purpose": "核验", "matter": "办件-17"}
    asked = {"number": "JF-1", "mode": "OFFLINE", "format": "PACKAGE"}
    grant: Document = {
        "number": "SX-1",
        "resource": "r",
        "requester": "asks-id",
        "provider": "gives-id",
        "application": "1",
    }
    grant |= {"agreement": "1", "items": ["a"], "valid_from": "2026-01-01", **terms}
    decided = [{"field_name": "a", "decision": "AGREED", "reason": "同意", "basis": None}]
    given = {"number": "DF-1", "round": 1, "late": False}
    answer = {"application": "1", "reason": "同意", "items": decided, **given}
    opened = {name: grant[name] for name in ("number", "items", "modes", "valid_from", "valid_to", "row_condition")}
    about = f"delivery/{DELIVERY_ID}"
    under = {"grant": "1", "mode": "OFFLINE"}
    entries = [
        *(_entry("key.registered", f"key/{name}", name, _registered(name), "") for name in _AGENCIES),
        _entry("application.answered", MATTER, "gives", {**given, "items": {"a": "AGREED"}, **_content(answer)}),
        _entry("agreement.proposed", "agreement/1", "gives", {"number": "XY-1"}),
        *(_entry("agreement.signed", "agreement/1", n, {"number": "XY-1", "key": _fingerprint(k)}) for n, k in _SIDES),
        _entry("agreement.in_force", "agreement/1", "gives", {"number": "XY-1"}),
        _entry("grant.opened", "grant/1", "gives", {**opened, **_content(grant)}),
        _entry("delivery.requested", about, "asks", {**asked, "state": "REQUESTED", **_content(use)}),
        _entry("release.authorised", "release/1", "asks", under),
        _entry("delivery.prepared", about, "", prepared),
        _entry("release.completed", "release/1", "asks", {**figures, **_content(digest)}),
        _entry("delivery.acknowledged", about, "asks", {"number": "JF-1", "state": "ACKNOWLEDGED", **seen}),
    ]
    moments = {"requested_at": MOMENT, "prepared_at": MOMENT, "delivered_at": None}
    delivery = {"id": DELIVERY_ID, "grant": "SX-1", "state": "ACKNOWLEDGED", **asked, **use, **digest, **figures}
    left = identity("delivery.prepared", about, ""), identity("release.completed", "release/1", "asks")
    delivery |= moments | {"salts": dict.fromkeys(left, _SALT)}
    documents = {
        DELIVERY: delivery | {"salt": _SALT},
        GRANT: grant | {"salt": _SALT},
        ANSWER: answer | {"salt": _SALT},
        SIGNATURES: {"signatures": signatures},
        RECEIPT: {**acknowledged, "acknowledged_at": MOMENT, "salt": _SALT},
        KEYS: {"log": str(PUBLIC).split(), "agencies": [_named(key) for key in _AGENCIES.values()]},
    }
    return {name: canonical_bytes(each) for name, each in documents.items()} | {AGREEMENT: agreement}, entries


def _acknowledged(signed_by: str) -> Document:
    receipt = {"delivery": DELIVERY_ID, "number": "JF-1", "package_sha256": SHA256, "receiver": "asks"}
    receipt["verdict"] = "ACCEPTED"
    signature = _text(_AGENCIES[signed_by].sign(canonical_bytes(receipt)))
    key = _fingerprint(_AGENCIES["asks"])
    return {"sha256": SHA256, "accepted": True, "receipt": receipt, "key": key, "signature": signature}


def _registered(name: str) -> Document:
    return {"purpose": "SIGN", "agency_id": f"{name}-id", **_named(_AGENCIES[name])}


def _content(document: Document) -> Document:
    return {"content": salted_digest(_SALT, document)}


def proved(entries: list[bytes]) -> dict[str, bytes]:
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


def _entry(kind: str, subject: str, agency: str, after: Document, matter: str = "application/1") -> Document:
    data = {"outcome": "DONE", "actor": {"agency": agency or None}, "matter": matter or None, "after": after}
    data["authority"] = "grant/SX-1" if kind.startswith(("delivery.", "release.")) else None
    return {
        "id": identity(kind, subject, agency),
        "type": f"cn.shuniu.{kind}",
        "subject": subject,
        "time": _time(kind),
        "data": data,
    }


def identity(kind: str, subject: str, agency: str) -> str:
    """The id of an entry."""
    return f"{kind} {subject} {agency}"


def _time(kind: str) -> str:
    """Within a minute, and what ends a delivery last."""
    return f"2026-03-01T08:00:{ {'delivery.prepared': 1, 'delivery.acknowledged': 2}.get(kind, 0):02d}.000000Z"


def _named(key: Ed25519PrivateKey) -> Document:
    return {"public_key": _public(key), "fingerprint": _fingerprint(key)}


def _public(key: Ed25519PrivateKey) -> str:
    return _text(key.public_key().public_bytes_raw())


def _fingerprint(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(_public(key).encode()).hexdigest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
