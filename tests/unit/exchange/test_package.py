"""An offline package opens for its receiver whole, and for nobody else or not at all."""

import hashlib
import io
import stat
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.clock import system_now
from adapters.errors import InvalidInput
from exchange.modes import offline
from exchange.modes import package as forms
from exchange.modes.offline import pack_files
from exchange.modes.offline_open import Opened, open_package
from exchange.modes.package import PackageFacts

HUB = Ed25519PrivateKey.from_private_bytes(bytes(32))
RECEIVER = pyrage.x25519.Identity.generate()


def facts(**changes: Any) -> PackageFacts:
    values: dict[str, Any] = dict(
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
        not_after=(system_now() + timedelta(days=30)).isoformat(),
    )
    return PackageFacts(**values | changes)


def packed(folder: Path, **changes: Any) -> tuple[bytes, str]:
    """A package of three rows, and the digest of its statement."""
    data = folder / "data.parquet"
    pq.write_table(pa.table({"code": ["1", "2", "3"]}), data)
    sink = io.BytesIO()
    _, envelope = pack_files({data: 3}, sink, facts(**changes), HUB, folder)
    return sink.getvalue(), hashlib.sha256(envelope).hexdigest()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return packed(tmp_path_factory.mktemp("pack"))[0]


def opened(package: bytes, folder: Path, identity: str = str(RECEIVER), key: Ed25519PrivateKey = HUB) -> list[Path]:
    path = folder / "package.shuniu"
    path.write_bytes(package)
    return open_package(path, identity, key.public_key(), folder / "out", folder / "channel.json").files


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


Receive = Callable[..., Opened]


@pytest.fixture
def receive(tmp_path: Path) -> Receive:
    """Open packages one after the other on one machine."""
    folders = iter(range(100))

    def opening(content: bytes, **more: Any) -> Opened:
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        path, kept = folder / "package.shuniu", tmp_path / "channel.json"
        path.write_bytes(content)
        try:
            return open_package(path, str(RECEIVER), HUB.public_key(), folder / "out", kept, **more)
        except InvalidInput:
            assert not (folder / "out").exists() or not list((folder / "out").iterdir())
            raise

    return opening


def code_of(receive: Receive, content: bytes, **more: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        receive(content, **more)
    return caught.value.code


def test_a_package_opens_until_its_day_and_not_after(tmp_path: Path, receive: Receive) -> None:
    for late in ("2020-01-31T00:00:00+00:00", "2020-01-31", (system_now() - timedelta(seconds=1)).isoformat()):
        assert code_of(receive, packed(tmp_path, not_after=late)[0]) == "package.expired"
    for wrong in ("", "soon", None):
        assert code_of(receive, packed(tmp_path, not_after=wrong)[0]) == "package.no_statement"
    assert receive(packed(tmp_path)[0]).files


def test_a_package_that_is_sent_again_is_seen(tmp_path: Path, receive: Receive) -> None:
    first, digest = packed(tmp_path)
    second, _ = packed(tmp_path, sequence=2, previous=digest)
    assert not receive(first).place.again
    assert code_of(receive, first) == "package.not_newer"
    assert not receive(second).place.again
    assert (code_of(receive, first), code_of(receive, second)) == ("package.not_newer", "package.not_newer")
    assert receive(first, again=True).place.again
    assert code_of(receive, second) == "package.not_newer"


def test_a_package_that_does_not_follow_is_refused_and_a_gap_is_told(tmp_path: Path, receive: Receive) -> None:
    first, digest = packed(tmp_path, sequence=4, previous="f" * 64)
    assert len(receive(first).place.missing) == 0
    assert code_of(receive, packed(tmp_path, sequence=5, previous="0" * 64)[0]) == "package.other_channel"
    later, _ = packed(tmp_path, sequence=8, previous="0" * 64)
    assert receive(later).place.missing == range(5, 8)
    other, _ = packed(tmp_path, sender="another hub", previous=digest)
    assert not receive(other).place.again


def test_what_is_damaged_is_not_kept_as_opened(tmp_path: Path, receive: Receive) -> None:
    whole, _ = packed(tmp_path)
    cut = whole.index(b"age-encryption.org") + 300
    assert code_of(receive, whole[:cut] + bytes([whole[cut] ^ 1]) + whole[cut + 1 :]).startswith("package.")
    assert receive(whole).files
    (tmp_path / "channel.json").write_text("[1]")
    assert code_of(receive, packed(tmp_path, sequence=2)[0]) == "package.channel_file"


@pytest.mark.parametrize("name", ["_type", "predicateType"])
def test_a_statement_of_another_kind_is_none(
    tmp_path: Path, receive: Receive, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    stated = forms.statement
    monkeypatch.setattr(offline, "statement", lambda *given: {**stated(*given), name: "https://example.org/other"})
    assert code_of(receive, packed(tmp_path)[0]) == "package.no_statement"


def test_what_is_opened_is_its_owners_alone(tmp_path: Path, receive: Receive) -> None:
    [file] = receive(packed(tmp_path)[0]).files
    for path, mode in ((file, 0o600), (tmp_path / "channel.json", 0o600), (file.parent, 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
