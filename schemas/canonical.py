"""Canonical JSON (RFC 8785, JCS) and digests over it."""

import hashlib
from typing import Any

import orjson
import rfc8785

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical_bytes(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a JSON value; integers beyond 2**53 and non-JSON values raise ``ValueError``."""
    if _plain(value):
        try:
            return orjson.dumps(value, option=_OPTIONS)
        except orjson.JSONEncodeError:
            pass  # rfc8785 says what is wrong with it
    return rfc8785.dumps(value)


def _plain(value: Any) -> bool:
    """Whether sorted orjson is canonical: no floats, and keys whose order is the same in UTF-8 and UTF-16."""
    if value is None or isinstance(value, str | int):
        return True
    if isinstance(value, dict):
        return all(isinstance(key, str) and key.isascii() and _plain(inner) for key, inner in value.items())
    return isinstance(value, list | tuple) and all(map(_plain, value))


def sha256_hex(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 in hex of a JSON value's canonical bytes."""
    return sha256_hex(canonical_bytes(value))
