"""Secrets of one home: random, made at first use, readable by their owner alone."""

import base64
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


class SecretFolder:
    """``$SHUNIU_HOME/secrets``: one file per secret, mode 0600 in a folder of mode 0700.

    Args:
        folder: where the files lie; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self.folder = folder

    def password(self, name: str, size: int = 32) -> str:
        """A password of letters, digits, ``-`` and ``_`` that carries ``size`` random bytes."""
        return self._kept(name, secrets.token_urlsafe(size))

    def access_key(self, name: str) -> str:
        """A public identifier of 20 characters in the form that S3 access keys have."""
        return self._kept(name, f"SHUNIU{secrets.token_hex(7).upper()}")

    def fernet_key(self, name: str) -> str:
        """A key for ``cryptography.fernet``."""
        return self._kept(name, Fernet.generate_key().decode())

    def raw_key(self, name: str) -> str:
        """32 random bytes in base64, which is what an Ed25519 private key is (RFC 8032, 5.1.5)."""
        return self._kept(name, base64.b64encode(secrets.token_bytes(32)).decode())

    def _kept(self, name: str, fresh: str) -> str:
        path = self.folder / name
        if not path.exists():
            write_private(path, fresh)
        return path.read_text(encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step: readers see the old text or the new, never a part.

    Args:
        path: the file; its folder must exist.
        text: the whole new content.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
