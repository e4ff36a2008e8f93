"""Offline exchange (离线交换): a package encrypted to the receiver and signed by the hub ([M] Art. 16; R44)."""

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Mapping
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
        parquet, csv = Path(folder) / "data.parquet", Path(folder) / "data.csv"
        with parquet.open("wb") as out:
            rows = write_parquet(release, settings, out).rows
        with csv.open("wb") as out:
            write_csv(release, settings, out)
        return pack_files({parquet: rows, csv: rows}, sink, facts, key, scratch)


def pack_files(
    files: Mapping[Path, int], sink: BinaryIO, facts: PackageFacts, key: Ed25519PrivateKey, scratch: Path
) -> tuple[Written, bytes]:
    """Write a package of files on disk; each comes with its count of rows. Arguments and result as in ``pack``."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        inner, payload = Path(folder) / "inner.tar", Path(folder) / PAYLOAD_NAME
        with tarfile.open(inner, mode="w") as tar:
            stated = {f"data/{path.name}": {**_measured(path), "rows": rows} for path, rows in files.items()}
            _add_bytes(tar, STATEMENT_NAME, sign(statement(facts, stated), key))
            for path in files:
                tar.add(path, f"data/{path.name}", filter=_anonymous)
        with inner.open("rb") as clear, payload.open("wb") as sealed:
            pyrage.encrypt_io(clear, sealed, [pyrage.x25519.Recipient.from_str(facts.recipient)])
        inner.unlink()
        envelope = sign(statement(facts, {PAYLOAD_NAME: _measured(payload)}), key)
        out = DigestSink(sink)
        with tarfile.open(fileobj=cast(IO[bytes], out), mode="w|") as tar:
            _add_bytes(tar, STATEMENT_NAME, envelope)
            tar.add(payload, PAYLOAD_NAME, filter=_anonymous)
    return Written(max(files.values()), out.size, out.hash.hexdigest()), envelope


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


def _measured(path: Path) -> dict[str, str | int]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": path.stat().st_size}
