"""Open an offline package where it is received, with the receiver's key and the hub's public key alone.

Order: signature, receiver, time, place in the channel, ciphertext's digest, decryption into quarantine, inner
statement, every file's digest; only then do the files move to where they may be used: age writes plaintext before it
has seen the end.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.errors import InvalidInput
from exchange.modes.channel import Channel, Place, private, require_in_time
from exchange.modes.package import (
    LARGEST_STATEMENT,
    PAYLOAD_NAME,
    PREDICATE_TYPE,
    RECEIPT_TYPE,
    STATEMENT_NAME,
    STATEMENT_TYPE,
    verify,
)
from schemas.canonical import digest

INNER_FOLDER = "data/"


@dataclass(frozen=True)
class Opened:
    """An opened package: its signed facts, the files released, the receipt to sign, its place in the channel."""

    facts: dict[str, Any]
    files: list[Path]
    receipt: dict[str, Any]
    place: Place


def open_package(
    package: Path, identity: str, hub_key: Ed25519PublicKey, out: Path, channel: Path, *, again: bool = False
) -> Opened:
    """Verify and decrypt a package into an empty folder.

    Args:
        package: the package file.
        identity: the receiver's age identity (``AGE-SECRET-KEY-1…``).
        hub_key: the hub's public key, got by another way than the package.
        out: folder that is empty or not there yet; its files are their owner's alone.
        channel: file that keeps the last package opened (``exchange.modes.channel``).
        again: open a package even if it is no newer than that one.

    Raises:
        InvalidInput: the first thing that is wrong; nothing is left in ``out``.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidInput(
            "package.folder_not_empty", "The folder {folder} is not empty. Name an empty one.", folder=out
        )
    kept = Channel(channel)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    quarantine = Path(tempfile.mkdtemp(prefix=".quarantine-", dir=out))
    try:
        statement, facts = _received(package, identity, hub_key, quarantine)
        place = kept.place(facts, again=again)
        facts = _decrypted(facts, identity, hub_key, quarantine)
        if not place.again:
            kept.keep(facts, hashlib.sha256(statement).hexdigest())
        released = []
        for path in sorted((quarantine / "data").iterdir()):
            target = out / path.name
            os.replace(path, target)
            released.append(target)
    finally:
        shutil.rmtree(quarantine, ignore_errors=True)
    with package.open("rb") as file:
        package_digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Opened(facts, released, receipt_of(facts, package_digest), place)


def receipt_of(facts: dict[str, Any], package_sha256: str) -> dict[str, Any]:
    """What the receiver signs: which package arrived whole."""
    return {
        "type": RECEIPT_TYPE,
        "delivery": facts["delivery"],
        "number": facts["number"],
        "receiver": facts["receiver"],
        "sequence": facts["sequence"],
        "package_sha256": package_sha256,
        "statement_sha256": digest(facts),
        "verdict": "ACCEPTED",
    }


def _received(
    package: Path, identity: str, hub_key: Ed25519PublicKey, quarantine: Path
) -> tuple[bytes, dict[str, Any]]:
    """The signed statement and its facts, for this receiver and in time; the payload lies in quarantine, sealed."""
    key = _key(identity)
    statement = _unpack_outer(package, quarantine / PAYLOAD_NAME)
    facts = _facts(verify(statement, hub_key))
    if str(key.to_public()) != facts.get("recipient"):
        raise InvalidInput(
            "package.other_receiver", "The package is encrypted to another key: {key}.", key=facts.get("recipient")
        )
    require_in_time(facts)
    return statement, facts


def _key(identity: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(identity.strip())
    except pyrage.IdentityError as error:
        raise InvalidInput(
            "package.bad_identity", "The receive key cannot be read. Name the file of `shuniu key new`."
        ) from error


def _decrypted(facts: dict[str, Any], identity: str, hub_key: Ed25519PublicKey, quarantine: Path) -> dict[str, Any]:
    """The facts of the statement inside, when every file is what was signed."""
    payload, inner = quarantine / PAYLOAD_NAME, quarantine / "inner.tar"
    _require_digest(payload, facts["files"].get(PAYLOAD_NAME, {}), PAYLOAD_NAME)
    try:
        with payload.open("rb") as sealed, private(inner) as clear:
            pyrage.decrypt_io(sealed, clear, [_key(identity)])
    except (pyrage.DecryptError, OSError) as error:
        raise InvalidInput(
            "package.damaged", "The package cannot be decrypted; it is damaged. Ask for it anew."
        ) from error
    try:
        return _open_inner(inner, quarantine, facts, hub_key)
    except tarfile.TarError as error:
        raise InvalidInput("package.bad_content", "The package's content is not what a package holds.") from error


def _open_inner(inner: Path, quarantine: Path, outer: dict[str, Any], hub_key: Ed25519PublicKey) -> dict[str, Any]:
    with tarfile.open(inner) as tar:
        members = {member.name: member for member in tar.getmembers()}
        if STATEMENT_NAME not in members or len(members) != len(tar.getmembers()):
            raise InvalidInput("package.bad_content", "The package's content is not what a package holds.")
        inside = _facts(verify(_member_bytes(tar, members.pop(STATEMENT_NAME)), hub_key))
        for name in set(outer) - {"files"}:
            if inside.get(name) != outer[name]:
                raise InvalidInput(
                    "package.mixed", "Outer and inner statement differ in {name}. Do not use it.", name=name
                )
        if set(members) != set(inside["files"]):
            raise InvalidInput("package.bad_content", "The package's content is not what its statement says.")
        for name, member in members.items():
            plain = name.removeprefix(INNER_FOLDER)
            if not name.startswith(INNER_FOLDER) or "/" in plain or plain in {"", ".", ".."} or not member.isreg():
                raise InvalidInput("package.bad_content", "The package's content is not what a package holds.")
            target = quarantine / "data" / plain
            target.parent.mkdir(mode=0o700, exist_ok=True)
            _extract(tar, member, target)
            _require_digest(target, inside["files"][name], name)
    return inside


def _unpack_outer(package: Path, payload: Path) -> bytes:
    try:
        with tarfile.open(package) as tar:
            members = tar.getmembers()
            if [member.name for member in members] != [STATEMENT_NAME, PAYLOAD_NAME] or not all(
                m.isreg() for m in members
            ):
                raise InvalidInput("package.bad_content", "This file is not an offline package.")
            envelope = _member_bytes(tar, members[0])
            _extract(tar, members[1], payload)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InvalidInput(
            "package.damaged", "The file cannot be read as a package; it is damaged or no package."
        ) from error
    return envelope


def _facts(body: dict[str, Any]) -> dict[str, Any]:
    facts, kinds = body.get("predicate"), (body.get("_type"), body.get("predicateType"))
    known = kinds == (STATEMENT_TYPE, PREDICATE_TYPE)
    if not known or not isinstance(facts, dict) or not isinstance(facts.get("files"), dict):
        raise InvalidInput("package.no_statement", "The package's statement cannot be read. Ask for it anew.")
    return facts


def _member_bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None or member.size > LARGEST_STATEMENT:
        raise InvalidInput("package.no_statement", "The package's statement cannot be read. Ask for it anew.")
    return file.read()


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    file = tar.extractfile(member)
    if file is None:
        raise InvalidInput("package.bad_content", "The package's content is not what a package holds.")
    with private(target) as sink:
        shutil.copyfileobj(file, sink)


def _require_digest(path: Path, stated: dict[str, Any], name: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != stated.get("sha256"):
        raise InvalidInput("package.changed", "{name} is not what was signed; the package was changed.", name=name)
