"""The blind index: a data subject's number becomes a token that nobody can guess back without the site's key.

Numbers of people are few enough to be found by trying, so a plain digest would give them away. A token is
HMAC-SHA256, cut to 16 bytes, under a key derived from the site's sealing key for this purpose alone, and over the kind
of number too, so that equal numbers of two kinds have nothing in common (个人信息保护法 Art. 51; R84).
"""

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Collection
from enum import StrEnum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.identifiers import credit_code, resident_id

TOKEN_SIZE = 16
NOBODY_ELSE = "-"
"""Stated in place of a digest, when an answer's rows name nobody but whom it asked about."""
_KEY_SIZE = 32
_PURPOSE = b"shuniu evidence, blind index of data subjects"


class SubjectKind(StrEnum):
    """Kinds of identifiers that name a person or an organisation; words of the code list ``identifier-kinds``."""

    RESIDENT_ID = "RESIDENT_ID"
    CREDIT_CODE = "CREDIT_CODE"


class BlindIndex:
    """Makes tokens for one site.

    Args:
        sealing_key: the site's key (``SHUNIU_SEALING_KEY``), 32 bytes in urlsafe base64; ``audit.personal.Seal`` has
            checked it.
    """

    def __init__(self, sealing_key: str) -> None:
        secret = base64.urlsafe_b64decode(sealing_key)
        self._key = HKDF(SHA256(), _KEY_SIZE, salt=None, info=_PURPOSE).derive(secret)

    def token(self, kind: SubjectKind, value: object) -> bytes:
        """The token of a subject: 16 bytes.

        Args:
            kind: what kind of number it is.
            value: the number, as people or databases write it.
        """
        number = normalised(kind, str(value))
        return hmac.digest(self._key, f"{kind}\0{number}".encode(), "sha256")[:TOKEN_SIZE]

    def digest(self, text: bytes) -> str:
        """A keyed digest (hex) of something that may name people, such as a row condition, to compare it by."""
        return hmac.new(self._key, b"\0" + text, hashlib.sha256).hexdigest()


def digest_of(tokens: Collection[bytes]) -> str:
    """One digest (hex) for several tokens, "" for none: an entry states by it whom its rows named."""
    return hashlib.sha256(b"".join(sorted(tokens))).hexdigest() if tokens else ""


def normalised(kind: SubjectKind, text: str) -> str:
    """A number as it is written today: half-width, no spaces, capitals, and 18 characters for an old one of 15."""
    if text.isascii() and text.isalnum():
        plain = text.upper()
    else:
        plain = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    return resident_id.in_18(plain) if kind is SubjectKind.RESIDENT_ID else plain


def kinds_by_form(text: str) -> tuple[SubjectKind, ...]:
    """The kinds of number that a text is a right one of; for texts of which nobody said what they are."""
    resident = normalised(SubjectKind.RESIDENT_ID, text)
    found = {
        SubjectKind.RESIDENT_ID: resident_id.is_valid(resident),
        SubjectKind.CREDIT_CODE: credit_code.is_valid(normalised(SubjectKind.CREDIT_CODE, text)),
    }
    return tuple(kind for kind, fits in found.items() if fits)
