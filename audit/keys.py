"""Keys that sign checkpoints, and the public texts that verify them (C2SP signed-note and tlog-cosignature).

The log signs with Ed25519 (RFC 8032) and with ML-DSA-44 (FIPS 204) beside it; a witness cosigns with the same two.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.errors import InvalidInput, Misconfigured
from audit.cosigned import LATEST, MOMENT_SIZE, ed25519_message, ml_dsa_message, moment_of, stamped

ED25519 = 0x01
ED25519_COSIGNATURE = 0x04
ML_DSA_44 = 0x06
PUBLIC_SIZES = {ED25519: 32, ED25519_COSIGNATURE: 32, ML_DSA_44: 1312}
SECOND_KEY = b"shuniu: seed of the ML-DSA-44 key beside an Ed25519 key, version 1"


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def is_key_name(name: str) -> bool:
    """Whether a text may name a key: not empty, no Unicode space, no plus sign, no control character."""
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


@dataclass(frozen=True)
class VerifierKey:
    """A public key by name; `str` gives the text that auditors keep: ``name+hash+base64``.

    Attributes:
        name: of the log or the witness.
        public: the raw public key, 32 or 1,312 bytes.
        kind: signature type of C2SP signed-note.
    """

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def identity(self) -> bytes:
        """The key's id in signature lines, 4 bytes."""
        return key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.identity.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key.

        Raises:
            InvalidInput: the text is no verifier key of a kind known here, or its hash is not that of name and key.
        """
        name, _, rest = text.strip().partition("+")
        identity, _, encoded = rest.partition("+")
        try:
            material = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise _not_a_key() from None
        if not is_key_name(name) or not material or PUBLIC_SIZES.get(material[0]) != len(material) - 1:
            raise _not_a_key()
        key = cls(name, material[1:], material[0])
        if key.identity.hex() != identity:
            raise _not_a_key()
        return key

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether a signature is this key's.

        Args:
            message: what was signed; for a cosigner's key the checkpoint's text.
            signature: 64 bytes; for a cosigner's key the moment (8 bytes) and the signature proper.
        """
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
                return True
            moment, value = moment_of(signature), signature[MOMENT_SIZE:]
            if self.kind == ED25519_COSIGNATURE:
                Ed25519PublicKey.from_public_bytes(self.public).verify(value, ed25519_message(message, moment))
            else:
                known = MLDSA44PublicKey.from_public_bytes(self.public)
                known.verify(value, ml_dsa_message(self.name, message, moment))
        except (InvalidSignature, ValueError):
            return False
        return moment <= LATEST


class Cosigner:
    """A key that cosigns checkpoints.

    Args:
        name: the cosigner's.
        private: its private key, Ed25519 or ML-DSA-44.
    """

    def __init__(self, name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
        self._private = private
        kind = ML_DSA_44 if isinstance(private, MLDSA44PrivateKey) else ED25519_COSIGNATURE
        self.verifier = VerifierKey(name, private.public_key().public_bytes_raw(), kind)

    @classmethod
    def beside(cls, name: str, seed: bytes) -> Self:
        """The ML-DSA-44 key that goes with an Ed25519 key: its seed is derived from the other's (HKDF, RFC 5869).

        Whoever breaks Ed25519 learns that key's scalar and not its seed, so this key stays safe; whoever steals the
        seed has both.
        """
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=SECOND_KEY).derive(seed)
        return cls(name, MLDSA44PrivateKey.from_seed_bytes(derived))

    def sign(self, text: bytes, moment: int) -> bytes:
        """Cosignature of a checkpoint's text at a moment (POSIX seconds), as a signature line carries it."""
        if self.verifier.kind == ML_DSA_44:
            return stamped(moment, self._private.sign(ml_dsa_message(self.verifier.name, text, moment)))
        return stamped(moment, self._private.sign(ed25519_message(text, moment)))


class SigningKey:
    """The log's own key, Ed25519; ``second`` signs beside it with ML-DSA-44.

    Args:
        name: the log's origin, which names the key.
        seed: 32 bytes (RFC 8032, 5.1.5).
    """

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key().public_bytes_raw())
        self.second = Cosigner.beside(name, seed)

    @classmethod
    def from_setting(cls, origin: str, text: str, beneath: str = "", setting: str = "SHUNIU_LOG_KEY") -> Self:
        """The key that a setting (base64 of 32 bytes) and ``SHUNIU_LOG_ORIGIN`` set.

        Args:
            origin: the log's name.
            text: the setting's value.
            beneath: what the key's name has behind the log's; nothing for the log's own key.
            setting: the setting's name.

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
            return cls(origin + beneath, base64.b64decode(text, validate=True))
        except (ValueError, binascii.Error):
            raise Misconfigured(
                "settings.bad_log_key",
                "The setting {setting} must be 32 bytes in base64 (an Ed25519 seed).",
                setting=setting,
            ) from None

    def sign(self, message: bytes) -> bytes:
        """Signature of a message, 64 bytes."""
        return self._private.sign(message)


def _not_a_key() -> InvalidInput:
    return InvalidInput(
        "evidence.bad_verifier_key",
        "This is not the public key of a log. It reads name+hash+base64; copy it whole from `shuniu audit key`.",
    )
