"""Sealing the secrets of sources: Fernet (AES-128-CBC with HMAC-SHA-256) under the site's sealing key."""

import hashlib
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken

from adapters.errors import Misconfigured, Terminal
from adapters.settings import Settings


def seal(values: Mapping[str, str], settings: Settings) -> bytes:
    """Encrypt the secrets of a source.

    Raises:
        Misconfigured: the sealing key is missing or is none.
    """
    return _fernet(settings).encrypt(json.dumps(dict(values), ensure_ascii=False).encode())


def sealed_digest(sealed: bytes | None) -> str:
    """By what evidence knows sealed secrets; of a source without secrets, that there are none."""
    return hashlib.sha256(sealed).hexdigest() if sealed else "none"


def open_sealed(sealed: bytes, settings: Settings) -> dict[str, str]:
    """Decrypt what ``seal`` made.

    Raises:
        Misconfigured: the sealing key is missing or is none.
        Terminal: it was sealed under another key, or was changed.
    """
    try:
        opened: dict[str, str] = json.loads(_fernet(settings).decrypt(sealed))
    except InvalidToken as error:
        sentence = "The source's credentials cannot be opened with this site's sealing key. Attach the source again."
        raise Terminal("source.sealed", sentence) from error
    return opened


def _fernet(settings: Settings) -> Fernet:
    settings.require("sealing_key")
    try:
        return Fernet(settings.sealing_key.encode())
    except ValueError as error:
        sentence = "The setting {setting} must be a Fernet key: 32 bytes in URL-safe base64."
        raise Misconfigured("settings.sealing_key", sentence, setting="SHUNIU_SEALING_KEY") from error
