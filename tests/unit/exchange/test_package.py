"""An offline package opens for its receiver whole, and for nobody else or not at all."""

import io
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import InvalidInput
from exchange.modes.offline import pack_files
from exchange.modes.offline_open import open_package
from exchange.modes.package import PackageFacts

HUB = Ed25519PrivateKey.from_private_bytes(bytes(32))
RECEIVER = pyrage.x25519.Identity.generate()


def facts() -> PackageFacts:
    return PackageFacts(
        delivery="d",
        number="JF-1",
        sender="hub",
        receiver="11310000000000000X",
        recipient=str(RECEIVER.to_public()),
        sequence=1,
        previous="",
        grant="SX-1",
        resource="307/000001",
        dataset_version=1,
        items=("code",),
        purpose="p",
        created="2026-01-01T00:00:00Z",
        not_after="2027-01-01",
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("pack")
    data = folder / "data.parquet"
    pq.write_table(pa.table({"code": ["1", "2", "3"]}), data)
    sink = io.BytesIO()
    pack_files({data: 3}, sink, facts(), HUB, folder)
    return sink.getvalue()


def opened(package: bytes, folder: Path, identity: str = str(RECEIVER), key: Ed25519PrivateKey = HUB) -> list[Path]:
    path = folder / "package.shuniu"
    path.write_bytes(package)
    return open_package(path, identity, key.public_key(), folder / "out").files


def test_the_receiver_gets_every_row(package: bytes, tmp_path: Path) -> None:
    [parquet] = opened(package, tmp_path)
    assert pq.read_table(parquet).to_pydict() == {"code": ["1", "2", "3"]}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["data.parquet"]


def test_another_receiver_gets_nothing(package: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="another key"):
        opened(package, tmp_path, str(pyrage.x25519.Identity.generate()))
    assert not list((tmp_path / "out").iterdir())


def test_another_hubs_signature_is_refused(package: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not signed by the hub's key"):
        opened(package, tmp_path, key=Ed25519PrivateKey.generate())


def test_a_folder_in_use_is_refused(package: bytes, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(InvalidInput, match="not empty"):
        opened(package, tmp_path)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_no_plaintext_in_the_package(package: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(package)) as tar:
        assert [member.name for member in tar.getmembers()] == ["statement.json", "payload.age"]
    assert b"PAR1" not in package


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_changed_or_cut_package_gives_nothing(
    package: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    payload = package.index(b"age-encryption.org")
    folder = tmp_path_factory.mktemp("changed")
    if data.draw(st.booleans()):
        cut = data.draw(st.integers(0, payload + 200))
        changed = package[:cut]
    else:
        position = data.draw(st.integers(payload, payload + 600))
        changed = package[:position] + bytes([package[position] ^ 1]) + package[position + 1 :]
    with pytest.raises(InvalidInput):
        opened(changed, folder)
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())
