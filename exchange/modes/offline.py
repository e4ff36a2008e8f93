"""Offline exchange (离线交换): one package, encrypted to the receiver's key and signed by the hub ([M] Art. 16; R44)."""

import hashlib
import io
import tarfile
import tempfile
from pathlib import Path
from typing import IO, BinaryIO, cast

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.settings import Settings
from exchange.modes.files import DigestSink, Written, write_csv, write_parquet
from exchange.modes.package import PAYLOAD_NAME, STATEMENT_NAME, PackageFacts, sign, statement
from exchange.release import Release

CHUNK = 1 << 20


def pack(
    release: Release, settings: Settings, sink: BinaryIO, facts: PackageFacts, key: Ed25519PrivateKey, scratch: Path
) -> tuple[Written, bytes]:
    """Write a package of the released rows, as Parquet and as CSV.

    Args:
        sink: takes the package's bytes.
        key: the hub's own signing key.
        scratch: folder for the parts while they are made; about twice the package's size.

    Returns:
        what was written, and the signed statement (DSSE envelope).
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        inner, rows = _inner(release, settings, facts, key, Path(folder))
        payload = Path(folder) / PAYLOAD_NAME
        with inner.open("rb") as clear, payload.open("wb") as sealed:
            pyrage.encrypt_io(clear, sealed, [pyrage.x25519.Recipient.from_str(facts.recipient)])
        inner.unlink()
        outer = statement(facts, {PAYLOAD_NAME: {"sha256": _sha256(payload), "size": payload.stat().st_size}})
        envelope = sign(outer, key)
        out = DigestSink(sink)
        with tarfile.open(fileobj=cast(IO[bytes], out), mode="w|") as tar:
            _add_bytes(tar, STATEMENT_NAME, envelope)
            tar.add(payload, PAYLOAD_NAME, filter=_anonymous)
    return Written(rows, out.size, out.hash.hexdigest()), envelope


def _inner(
    release: Release, settings: Settings, facts: PackageFacts, key: Ed25519PrivateKey, folder: Path
) -> tuple[Path, int]:
    parquet, csv, inner = folder / "data.parquet", folder / "data.csv", folder / "inner.tar"
    with parquet.open("wb") as sink:
        first = write_parquet(release, settings, sink)
    with csv.open("wb") as sink:
        second = write_csv(release, settings, sink)
    files = {
        f"data/{path.name}": {"sha256": written.sha256, "size": written.size, "rows": written.rows}
        for path, written in ((parquet, first), (csv, second))
    }
    with tarfile.open(inner, mode="w") as tar:
        _add_bytes(tar, STATEMENT_NAME, sign(statement(facts, files), key))
        for path in (parquet, csv):
            tar.add(path, f"data/{path.name}", filter=_anonymous)
            path.unlink()
    return inner, first.rows


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave owner, mode and time of the packing machine out."""
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o600
    return info


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
