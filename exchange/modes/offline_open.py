"""Open an offline package where it is received, with the receiver's key and the hub's public key alone.

Order: signature, receiver, ciphertext's digest, decryption into quarantine, inner statement, every file's digest; only
then do the files move to where they may be used: age writes plaintext before it has seen the end.
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
from exchange.modes.package import LARGEST_STATEMENT, PAYLOAD_NAME, RECEIPT_TYPE, STATEMENT_NAME, verify
from schemas.canonical import digest

INNER_FOLDER = "data/"


@dataclass(frozen=True)
class Opened:
    """An opened package: its signed facts, the files released, and the receipt to sign."""

    facts: dict[str, Any]
    files: list[Path]
    receipt: dict[str, Any]


def open_package(package: Path, identity: str, hub_key: Ed25519PublicKey, out: Path) -> Opened:
    """Verify and decrypt a package into an empty folder.

    Args:
        package: the package file.
        identity: the receiver's age identity (``AGE-SECRET-KEY-1…``).
        hub_key: the hub's public key, got by another way than the package.
        out: folder that is empty or not there yet.

    Raises:
        InvalidInput: the first thing that is wrong; nothing is left in ``out``.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidInput(
            "package.folder_not_empty", "The folder {folder} is not empty. Name an empty one.", folder=out
        )
    out.mkdir(parents=True, exist_ok=True)
    quarantine = Path(tempfile.mkdtemp(prefix=".quarantine-", dir=out))
    try:
        facts = _open_into(package, identity, hub_key, quarantine)
        released = []
        for path in sorted((quarantine / "data").iterdir()):
            target = out / path.name
            os.replace(path, target)
            released.append(target)
    finally:
        shutil.rmtree(quarantine, ignore_errors=True)
    with package.open("rb") as file:
        package_digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Opened(facts, released, receipt_of(facts, package_digest))


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


def _open_into(package: Path, identity: str, hub_key: Ed25519PublicKey, quarantine: Path) -> dict[str, Any]:
    try:
        key = pyrage.x25519.Identity.from_str(identity.strip())
    except pyrage.IdentityError as error:
        raise InvalidInput(
            "package.bad_identity", "The receive key cannot be read. Name the file of `shuniu key new`."
        ) from error
    payload, inner = quarantine / PAYLOAD_NAME, quarantine / "inner.tar"
    outer = verify(_unpack_outer(package, payload), hub_key)
    facts = _facts(outer)
    if str(key.to_public()) != facts.get("recipient"):
        raise InvalidInput(
            "package.other_receiver", "The package is encrypted to another key: {key}.", key=facts.get("recipient")
        )
    _require_digest(payload, facts["files"].get(PAYLOAD_NAME, {}), PAYLOAD_NAME)
    try:
        with payload.open("rb") as sealed, inner.open("wb") as clear:
            pyrage.decrypt_io(sealed, clear, [key])
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
            target.parent.mkdir(exist_ok=True)
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
    facts = body.get("predicate")
    if not isinstance(facts, dict) or not isinstance(facts.get("files"), dict):
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
    with target.open("wb") as sink:
        shutil.copyfileobj(file, sink)


def _require_digest(path: Path, stated: dict[str, Any], name: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != stated.get("sha256"):
        raise InvalidInput("package.changed", "{name} is not what was signed; the package was changed.", name=name)
