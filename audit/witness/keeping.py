"""What a witness keeps on its disk: its key, and of each log the last checkpoint that it cosigned.

Every file is written beside its place, flushed to the disk and renamed, so that after a crash there is the old one or
the new one, and nothing is answered that is not on the disk.
"""

import base64
import binascii
import fcntl
import hashlib
import os
import secrets
from pathlib import Path

from adapters.errors import Conflict, Misconfigured
from audit.keys import is_key_name

KEY_FILE = "witness.key"
LOCK_FILE = "lock"
KEPT_REFUSALS = 100


def read_or_make_key(folder: Path, name: str) -> tuple[str, bytes]:
    """The witness's name and seed (32 bytes); made at the first call, in a file that its owner alone may read.

    Args:
        folder: of the witness.
        name: of the witness; may be left out once there is a key.

    Raises:
        Misconfigured: no name was given for a new key, the key has another name, or its file is damaged.
    """
    path = folder / KEY_FILE
    if not path.exists():
        if not is_key_name(name) or len(name.encode()) > 255:
            raise Misconfigured(
                "witness.no_name",
                "A new witness needs a name, such as witness.agency.example: {option}, without spaces and plus signs.",
                option="--name",
            )
        seed = base64.b64encode(secrets.token_bytes(32)).decode()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(path, f"{name} {seed}\n".encode())
    named, _, encoded = path.read_text(encoding="utf-8").strip().partition(" ")
    try:
        seed_bytes = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        seed_bytes = b""
    if len(seed_bytes) != 32 or not is_key_name(named) or (name and name != named):
        raise Misconfigured(
            "witness.bad_key",
            "The key file {path} is not that of the witness {name}. Give the name that it was made with, or take"
            " another folder.",
            path=str(path),
            name=name or named,
        )
    return named, seed_bytes


def lock(folder: Path) -> int:
    """Keep others from being a witness in this folder, as long as the process lives; returns the file's number.

    Raises:
        Conflict: another process is.
    """
    held = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise Conflict(
            "witness.runs_already", "Another witness runs in the folder {path}. Stop it first.", path=str(folder)
        ) from None
    return held


def origin_hash(origin: str) -> str:
    """How a witness's addresses and files name a log: SHA-256 of its origin, in hex."""
    return hashlib.sha256(origin.encode()).hexdigest()


def kept_note(folder: Path, digest: str) -> str:
    """The last checkpoint cosigned for the log of that origin hash, with its signatures; empty for none."""
    path = folder / f"{digest}.checkpoint"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def keep_note(folder: Path, digest: str, note: str) -> None:
    """Put the last checkpoint cosigned for a log on the disk."""
    write(folder / f"{digest}.checkpoint", note.encode())


def keep_refused(folder: Path, digest: str, body: bytes) -> None:
    """Keep what a log signed and this witness refused, the first hundred of them: it may prove what the log did."""
    place = folder / "refused"
    place.mkdir(mode=0o700, exist_ok=True)
    path = place / f"{digest[:16]}-{hashlib.sha256(body).hexdigest()[:16]}.txt"
    if not path.exists() and len(list(place.iterdir())) < KEPT_REFUSALS:
        write(path, body)


def write(path: Path, data: bytes) -> None:
    """Replace a file whole, readable by its owner alone, and wait until the disk has it."""
    beside = path.with_name(f".{path.name}.new")
    file = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
