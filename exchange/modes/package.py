"""The offline package's outer form: what is signed, by whom, and how its files lie.

A package is an uncompressed tar of two members. ``statement.json`` is a DSSE envelope of an in-toto Statement, signed
with the hub's own key: it attests what the hub packed and never stands for an agency. ``payload.age`` is an age file
(C2SP age, X25519) that only the receiver opens; inside lies a tar of ``statement.json`` again, against surreptitious
forwarding, and of ``data/…``.
"""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from adapters.errors import InvalidInput
from schemas.canonical import canonical_bytes, sha256_hex

STATEMENT_NAME = "statement.json"
PAYLOAD_NAME = "payload.age"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://shuniu.example/offline-package/v1"
RECEIPT_TYPE = "https://shuniu.example/offline-receipt/v1"
LARGEST_STATEMENT = 1 << 20


@dataclass(frozen=True)
class PackageFacts:
    """What the package says of itself; every field is signed.

    Attributes:
        sender: name or origin of the hub.
        receiver: unified social credit code of the receiving agency.
        recipient: the receiver's age recipient that the payload is encrypted to.
        sequence: number of this package in the channel from hub to receiver, from 1.
        previous: SHA-256 of the statement before it in the channel, empty for the first.
        promise: the log's signed promise of the entries about the delivery and its release (``audit.promise``).
    """

    delivery: str
    number: str
    sender: str
    receiver: str
    recipient: str
    sequence: int
    previous: str
    grant: str
    resource: str
    dataset_version: int
    items: tuple[str, ...]
    purpose: str
    created: str
    not_after: str
    promise: str = ""


def statement(facts: PackageFacts, subjects: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The in-toto Statement: facts and, per file, its SHA-256, size and rows."""
    described = asdict(facts) | {"items": list(facts.items)}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": facts_["sha256"]}} for name, facts_ in subjects.items()],
        "predicateType": PREDICATE_TYPE,
        "predicate": {**described, "files": {name: dict(value) for name, value in subjects.items()}},
    }


def sign(body: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """A DSSE v1 envelope (JSON) over the canonical bytes of a statement."""
    payload = canonical_bytes(body)
    signature = key.sign(_pre_authentication(payload))
    public = key.public_key().public_bytes_raw()
    return orjson.dumps(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": sha256_hex(public), "sig": base64.b64encode(signature).decode()}],
        }
    )


def verify(envelope: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """The statement inside an envelope, if the key signed it.

    Raises:
        InvalidInput: it is no envelope, or another key signed it, or it was changed.
    """
    try:
        parsed = orjson.loads(envelope)
        payload = base64.b64decode(parsed["payload"], validate=True)
        signature = base64.b64decode(parsed["signatures"][0]["sig"], validate=True)
        if parsed["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(parsed["payloadType"])
        key.verify(signature, _pre_authentication(payload))
        body = orjson.loads(payload)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InvalidInput(
            "package.no_statement", "The package's statement cannot be read. Ask for it anew."
        ) from error
    except InvalidSignature as error:
        raise InvalidInput(
            "package.bad_signature",
            "The statement is not signed by the hub's key that you trust. Do not use this package.",
        ) from error
    if not isinstance(body, dict):
        raise InvalidInput("package.no_statement", "The package's statement cannot be read. Ask for it anew.")
    return body


def _pre_authentication(payload: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
