"""Keys of the log: the one that signs, and the public text that verifies (C2SP signed-note, Ed25519, RFC 8032)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from adapters.errors import InvalidInput, Misconfigured

ED25519 = 0x01
PUBLIC_SIZE = 32


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def is_key_name(name: str) -> bool:
    """Whether a text may name a key: not empty, no Unicode space, no plus sign, no control character."""
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


@dataclass(frozen=True)
class VerifierKey:
    """A public key by name; `str` gives the text that auditors keep: ``name+hash+base64``."""

    name: str
    public: bytes

    @property
    def identity(self) -> bytes:
        """The key's id in signature lines, 4 bytes."""
        return key_id(self.name, ED25519, self.public)

    def __str__(self) -> str:
        material = base64.b64encode(bytes([ED25519]) + self.public).decode()
        return f"{self.name}+{self.identity.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key.

        Raises:
            InvalidInput: the text is no Ed25519 verifier key, or its hash is not that of its name and key.
        """
        name, _, rest = text.strip().partition("+")
        identity, _, encoded = rest.partition("+")
        try:
            material = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise _not_a_key() from None
        key = cls(name, material[1:])
        right = material[:1] == bytes([ED25519]) and len(key.public) == PUBLIC_SIZE and key.identity.hex() == identity
        if not right or not is_key_name(name):
            raise _not_a_key()
        return key

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature (64 bytes) over the message is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """The log's own key.

    Args:
        name: the log's origin, which names the key.
        seed: 32 bytes (RFC 8032, 5.1.5).
    """

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key().public_bytes_raw())

    @classmethod
    def from_setting(cls, origin: str, text: str) -> Self:
        """The key that ``SHUNIU_LOG_KEY`` (base64 of 32 bytes) and ``SHUNIU_LOG_ORIGIN`` set.

        Raises:
            Misconfigured: naming the setting that is wrong.
        """
        if not is_key_name(origin):
            raise Misconfigured(
                "settings.bad_log_origin",
                "The setting {setting} names the log in its signatures: give it a name without spaces and plus signs.",
                setting="SHUNIU_LOG_ORIGIN",
            )
        try:
            return cls(origin, base64.b64decode(text, validate=True))
        except (ValueError, binascii.Error):
            raise Misconfigured(
                "settings.bad_log_key",
                "The setting {setting} must be 32 bytes in base64 (an Ed25519 seed).",
                setting="SHUNIU_LOG_KEY",
            ) from None

    def sign(self, message: bytes) -> bytes:
        """Signature of a message, 64 bytes."""
        return self._private.sign(message)


def _not_a_key() -> InvalidInput:
    return InvalidInput(
        "evidence.bad_verifier_key",
        "This is not the public key of a log. It reads name+hash+base64; copy it whole from `shuniu audit key`.",
    )
