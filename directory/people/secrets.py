"""Passwords, tokens and their hashes. Of a token only its SHA-256 is kept, of a password or secret its argon2 hash."""

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from adapters.errors import InvalidInput, Sentence

SHORTEST = 12
LONGEST = 200
_hasher = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)  # the first of OWASP's settings for argon2id


def hash_password(password: str) -> str:
    """The argon2id hash of a password or client secret (RFC 9106)."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether a password has this hash. Without a hash (nobody by that name) the same work is done, for nothing."""
    usable = len(password) <= LONGEST
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password.encode(errors="replace") if usable else b"")
    except (VerificationError, InvalidHashError):
        return False
    return usable and password_hash is not None


def hash_digest(password_hash: str) -> str:
    """By what evidence knows a kept hash; it belongs into the encrypted part of an entry."""
    return hashlib.sha256(password_hash.encode()).hexdigest()


def token_digest(kept: bytes) -> str:
    """By what evidence knows a token, made of the hash that is kept; it belongs into the encrypted part of an entry."""
    return hashlib.sha256(kept).hexdigest()


def is_outdated(password_hash: str) -> bool:
    """Whether a hash was made with weaker settings than today's, so that it should be made anew."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


def new_token() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of a token. It is random, so a plain hash suffices."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def check_password(password: object, login: str) -> str:
    """A password that may be set: 12 to 200 characters, not the login, not one character repeated.

    Raises:
        InvalidInput: it may not; the message says why.
    """
    if not isinstance(password, str) or len(password) < SHORTEST:
        raise _weak("A password has at least {shortest} characters. Choose a longer one.", shortest=SHORTEST)
    if len(password) > LONGEST:
        raise _weak("A password has at most {longest} characters. Choose a shorter one.", longest=LONGEST)
    if login.casefold() in password.casefold() and len(password) < len(login) + SHORTEST:
        raise _weak("The password must not be the login. Choose another.")
    if len(set(password)) < 4:
        raise _weak("The password repeats the same few characters. Choose another.")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise _weak("The password holds characters that cannot be kept. Choose another.")
    return password


def _weak(sentence: str, **context: object) -> InvalidInput:
    problem = {"pointer": "/password", "code": "password.weak", "message": Sentence(sentence, **context)}
    return InvalidInput("password.weak", sentence, [problem], **context)
