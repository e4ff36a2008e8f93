"""Personal details beside an entry: committed to, and encrypted under a key of their own that can be destroyed.

The entry holds the commitment: SHA-256 of 32 random bytes and the details, which nobody can guess back. Those bytes are
encrypted (AES-256-GCM) under a key of this one entry, and that key under the site's. Without the key the details are
gone, and the log still proves whole when an entry ``personal.destroyed`` about ``evidence/<id>`` records that.
"""

import base64
import binascii
import hashlib
import os
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.errors import Misconfigured
from schemas.canonical import canonical_bytes

SALT_SIZE = 32
KEY_SIZE = 32
_NONCE_SIZE = 12
_FIRST_SITE_KEY = b"\x01"
_PURPOSE = b"shuniu evidence, personal details"


def committed(details: Mapping[str, Any]) -> tuple[str, bytes]:
    """The commitment to details (hex), and the bytes that open it: a salt and the details in canonical JSON."""
    opening = os.urandom(SALT_SIZE) + canonical_bytes(dict(details))
    return hashlib.sha256(opening).hexdigest(), opening


def details_of(opening: bytes) -> dict[str, Any]:
    """The details in the bytes that open a commitment."""
    details: dict[str, Any] = orjson.loads(opening[SALT_SIZE:])
    return details


class Seal:
    """Encrypts and decrypts personal details for one site.

    Args:
        sealing_key: the site's key (``SHUNIU_SEALING_KEY``), 32 bytes in urlsafe base64.

    Raises:
        Misconfigured: it is not such a key.
    """

    def __init__(self, sealing_key: str) -> None:
        try:
            secret = base64.b64decode(sealing_key, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            secret = b""
        if len(secret) != KEY_SIZE:
            raise Misconfigured(
                "settings.bad_sealing_key",
                "The setting {setting} must be 32 bytes in urlsafe base64.",
                setting="SHUNIU_SEALING_KEY",
            )
        self._site = AESGCM(HKDF(SHA256(), KEY_SIZE, salt=None, info=_PURPOSE).derive(secret))

    def close(self, entry_id: uuid.UUID, opening: bytes) -> tuple[bytes, bytes]:
        """Encrypt for an entry: the wrapped key, which begins with the number of the site's key, and the ciphertext."""
        key = AESGCM.generate_key(256)
        wrapped = _FIRST_SITE_KEY + _encrypted(self._site, key, entry_id)
        return wrapped, _encrypted(AESGCM(key), opening, entry_id)

    def open(self, entry_id: uuid.UUID, wrapped_key: bytes, ciphertext: bytes) -> bytes:
        """Decrypt the opening of an entry's commitment.

        Raises:
            ValueError: the bytes were changed, belong to another entry, or were sealed under another site's key.
        """
        if wrapped_key[:1] != _FIRST_SITE_KEY:
            raise ValueError("sealed under a key that this site does not have")
        try:
            key = _decrypted(self._site, wrapped_key[1:], entry_id)
            return _decrypted(AESGCM(key), ciphertext, entry_id)
        except (InvalidTag, ValueError) as error:
            raise ValueError("does not decrypt") from error


def _encrypted(cipher: AESGCM, data: bytes, entry_id: uuid.UUID) -> bytes:
    nonce = os.urandom(_NONCE_SIZE)
    return nonce + cipher.encrypt(nonce, data, entry_id.bytes)


def _decrypted(cipher: AESGCM, data: bytes, entry_id: uuid.UUID) -> bytes:
    return cipher.decrypt(data[:_NONCE_SIZE], data[_NONCE_SIZE:], entry_id.bytes)
