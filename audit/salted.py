"""A document's content in the clear of an entry, so that others can check the document, and nobody can guess it back.

The digest is over a salt and the document. The salt lies in the entry's encrypted part, and in the document where it is
handed out (``audit.bundle``): who was given the document can check it, and who sees the entry alone learns nothing.
Of bytes that left the document is ``{"sha256": …}``, their plain digest: it would tell whom a file of one row names.
"""

import os
from collections.abc import Mapping
from typing import Any

from schemas.canonical import canonical_bytes, sha256_hex

CONTENT, SALT = "content", "content_salt"
_SIZE = 32


def salted(document: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """What an entry says of a document: its part in the clear, and the salt, for its encrypted part."""
    salt = os.urandom(_SIZE).hex()
    return {CONTENT: salted_digest(salt, document)}, {SALT: salt}


def salted_digest(salt: str, document: Mapping[str, Any]) -> str:
    """SHA-256 in hex of the salt (hex) and the document in canonical JSON.

    Raises:
        ValueError: the salt is no hex, or the document is no JSON.
    """
    return sha256_hex(bytes.fromhex(salt) + canonical_bytes(dict(document)))
