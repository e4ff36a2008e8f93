"""What a cosigner signs: the messages of C2SP tlog-cosignature for a checkpoint's text and a moment. Pure functions."""

import base64
from datetime import UTC, datetime

LABEL = b"subtree/v1\n\0"
MOMENT_SIZE = 8
LATEST = 2**63 - 1
_LAST_SHOWN = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def ed25519_message(text: bytes, moment: int) -> bytes:
    """The message of an Ed25519 cosignature (type 0x04).

    Args:
        text: the checkpoint's whole text, extension lines included.
        moment: POSIX seconds.
    """
    return b"cosignature/v1\ntime %d\n" % moment + text


def ml_dsa_message(name: str, text: bytes, moment: int) -> bytes:
    """The message of an ML-DSA-44 cosignature (type 0x06): the tree from leaf 0 on. Extension lines are not in it.

    Args:
        name: the cosigner's.
        text: the checkpoint's text.
        moment: POSIX seconds; 0 makes no statement about time.

    Raises:
        ValueError: the text is no checkpoint, or a name is over 255 bytes.
    """
    origin, size, root, *_ = text.split(b"\n")
    end, digest = int(size), base64.b64decode(root, validate=True)
    if len(digest) != 32 or not 0 <= end <= LATEST:
        raise ValueError("the text is no checkpoint")
    return b"".join(
        (LABEL, _short(name.encode()), _long(moment), _short(origin), _long(0), _long(end), digest),
    )


def stamped(moment: int, signature: bytes) -> bytes:
    """A cosignature as its line carries it: the moment, then the signature."""
    return _long(moment) + signature


def moment_of(value: bytes) -> int:
    """The moment that a cosignature states, POSIX seconds."""
    return int.from_bytes(value[:MOMENT_SIZE], "big")


def shown_moment(moment: int) -> datetime:
    """A moment that a signature states, POSIX seconds, as people read it; one after 9999 as the last day of that."""
    return datetime.fromtimestamp(min(moment, _LAST_SHOWN), UTC)


def _short(data: bytes) -> bytes:
    if not 1 <= len(data) <= 255:
        raise ValueError("a name is 1 to 255 bytes")
    return bytes([len(data)]) + data


def _long(number: int) -> bytes:
    return number.to_bytes(8, "big")
