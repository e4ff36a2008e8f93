"""Keys as text and signatures over bytes; nothing here needs a database, a setting or the hub.

A signing key is Ed25519 (RFC 8032): the public half is base64 of 32 bytes, a signature base64 of 64. A receiving key is
an age recipient (C2SP age, X25519).
"""

import base64
import binascii
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyrage import RecipientError, x25519

from adapters.errors import InvalidInput
from directory.keys.models import AgencyKey, KeyPurpose

PROOF = "shuniu-key-proof/1"
PRIVATE_AGE_KEY = "AGE-SECRET-KEY-"
_SIGNATURE_BYTES = 64
_PROOF_TEXT = re.compile(rf"{PROOF} ([0-9A-Z]{{18}}) (SIGN|RECEIVE) ([0-9a-f]{{64}}) ([A-Za-z0-9_-]{{43}})", re.ASCII)


def fingerprint(public_key: str) -> str:
    """SHA-256 of a public key's text, hex: how people tell keys apart."""
    return hashlib.sha256(public_key.encode()).hexdigest()


def proof_text(credit_code: str, purpose: str, public_key: str, random: str) -> str:
    """What the holder of a new key proves: its first word keeps it apart from every document that is ever signed."""
    return f"{PROOF} {credit_code} {purpose} {fingerprint(public_key)} {random}"


def is_proof_of(text: str, public_key: str) -> bool:
    """Whether a text is a proof that names this key, so that a holder can sign it without signing anything else."""
    match = _PROOF_TEXT.fullmatch(text)
    return match is not None and match[3] == fingerprint(public_key)


def checked_public_key(purpose: KeyPurpose, text: object) -> str:
    """A public key in its one written form.

    Raises:
        InvalidInput: it is none for this purpose, or is a private key.
    """
    if isinstance(text, str) and (PRIVATE_AGE_KEY in text.upper() or "PRIVATE KEY" in text):
        raise _bad("This is a private key. Never send it to anybody; make a new one and send its public half.")
    if not isinstance(text, str):
        raise _bad("This is no public key. Send the line from the file that `shuniu key new` wrote.")
    return _signing_key_text(text.strip()) if purpose is KeyPurpose.SIGN else _receiving_key_text(text.strip())


def public_text(private: Ed25519PrivateKey) -> str:
    """The text of the public half of a signing key."""
    return base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def signature_from_text(text: object) -> bytes:
    """The 64 bytes of a signature from their base64.

    Raises:
        InvalidInput: it is none.
    """
    try:
        signature = base64.b64decode("".join(text.split()), validate=True) if isinstance(text, str) else b""
    except (ValueError, binascii.Error):
        signature = b""
    if len(signature) != _SIGNATURE_BYTES:
        sentence = "This is no signature. Paste the one line that `shuniu key sign` printed."
        raise InvalidInput("key.signature_form", sentence, [{"pointer": "/signature", "message": sentence}])
    return signature


def verify_signature(key: AgencyKey, data: bytes, signature: bytes) -> bool:
    """Whether this key made this signature over these bytes. Whether the key is still good is the caller's to ask."""
    return key.purpose == KeyPurpose.SIGN and verifies(key.public_key, data, signature)


def verifies(public_key: str, data: bytes, signature: bytes) -> bool:
    """As ``verify_signature``, for the text of a public signing key."""
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key)).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signing_key_text(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, binascii.Error) as error:
        raise _bad(
            "This is no signing key. Send the line that begins with SIGN from the file of public keys."
        ) from error
    if any(raw == weak for weak in _WEAK_POINTS):
        raise _bad("This key is known to be worthless. Make a new one with `shuniu key new`.")
    return base64.b64encode(raw).decode()


def _receiving_key_text(text: str) -> str:
    try:
        return str(x25519.Recipient.from_str(text))
    except (RecipientError, ValueError) as error:
        sentence = "This is no receiving key. Send the line that begins with RECEIVE from the file of public keys."
        raise _bad(sentence) from error


def _bad(sentence: str) -> InvalidInput:
    return InvalidInput("key.public_key", sentence, [{"pointer": "/public_key", "message": sentence}])


_WEAK_POINTS = tuple(
    bytes.fromhex(text)
    for text in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)
"""Points of small order, for which signatures can be made without a private key (RFC 8032 leaves the check to us)."""
