"""Canonical JSON (RFC 8785, JCS) and digests over it."""

import hashlib
from typing import Any

import rfc8785


def canonical_bytes(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a JSON value; integers beyond 2**53 and non-JSON values raise ``ValueError``."""
    return rfc8785.dumps(value)


def sha256_hex(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 in hex of a JSON value's canonical bytes."""
    return sha256_hex(canonical_bytes(value))
