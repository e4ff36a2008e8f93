"""The object store, on a real one."""

import hashlib
import io
import os
import uuid
from pathlib import Path

import pytest

from adapters.errors import NotFound
from adapters.objects import HashingSpool, ObjectStore, objects
from adapters.settings import Settings

BIG = 20 * 1024 * 1024 + 17


@pytest.fixture
def store(settings: Settings) -> ObjectStore:
    opened = objects(settings)
    opened.ensure_bucket()
    return opened


@pytest.mark.parametrize("length", [0, 1, BIG])
@pytest.mark.parametrize("known", [True, False])
def test_what_is_put_comes_back_whole(store: ObjectStore, length: int, known: bool) -> None:
    content = os.urandom(length)
    key = f"tests/{uuid.uuid4()}"
    stored = store.put(key, io.BytesIO(content), length=length if known else -1, media_type="text/csv")
    assert stored.bytes == length == store.stat(key).bytes
    assert store.stat(key).media_type == "text/csv"
    assert b"".join(store.chunks(key)) == content
    with store.open(key) as stream:
        assert hashlib.sha256(stream.read()).digest() == hashlib.sha256(content).digest()


def test_a_range_is_read_alone(store: ObjectStore) -> None:
    key = f"tests/{uuid.uuid4()}"
    store.put(key, io.BytesIO(bytes(range(256)) * 100), length=25_600)
    assert b"".join(store.chunks(key, offset=256, length=10)) == bytes(range(10))
    assert b"".join(store.chunks(key, offset=25_599)) == b"\xff"
    assert b"".join(store.chunks(key, offset=5, length=0)) == b""


def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    key = f"tests/{uuid.uuid4()}"
    assert not store.exists(key)
    with pytest.raises(NotFound):
        store.stat(key)
    with pytest.raises(NotFound):
        next(store.chunks(key))
    store.remove(key)


def test_keys_lists_a_prefix_and_remove_removes(store: ObjectStore) -> None:
    prefix = f"tests/{uuid.uuid4()}"
    for name in ("b", "a/deep"):
        store.put(f"{prefix}/{name}", io.BytesIO(b"x"), length=1)
    assert list(store.keys(f"{prefix}/")) == [f"{prefix}/a/deep", f"{prefix}/b"]
    store.remove(f"{prefix}/b")
    assert list(store.keys(f"{prefix}/")) == [f"{prefix}/a/deep"]


def test_a_spool_counts_hashes_and_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    with HashingSpool(tmp_path / "spool") as spool:
        spool.write(b"abc")
        spool.write(memoryview(b"def"))
        assert (spool.bytes, spool.sha256) == (6, hashlib.sha256(b"abcdef").hexdigest())
        assert spool.rewind().read() == b"abcdef"
    assert list((tmp_path / "spool").iterdir()) == []
