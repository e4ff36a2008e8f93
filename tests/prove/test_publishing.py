"""Workers are killed while they publish: the store never holds a checkpoint without its tiles, and ends up whole."""

import random
import threading
import time
from pathlib import Path

import pytest

from adapters.settings import Settings
from audit.actor import HUB
from audit.append import append, configure
from audit.checkpoint import open_checkpoint
from audit.keys import SigningKey
from audit.merkle import HASH_SIZE
from audit.report import Report
from audit.store.place import CHECKPOINT, Place
from audit.store.verify import verify_store
from audit.tiles import path, tree_root, width
from tests.prove.test_evidence import _session, _wait_until_numbered, _worker

KILLS, ENTRIES_AT_ONCE = 10, 40
LONGEST_WAIT = 60.0


@pytest.mark.timeout(600)
def test_killed_publishers_leave_a_store_that_is_whole(fresh: dict[str, str], tmp_path: Path) -> None:
    settings = Settings.load(fresh)
    configure(settings.log_origin, settings.sealing_key)
    place, key = Place.of(settings), SigningKey.from_setting(settings.log_origin, settings.log_key).verifier
    place.ensure()
    stop, written = threading.Event(), [0]
    writer = threading.Thread(target=_write, args=(settings, stop, written))
    writer.start()
    chance, sizes = random.Random(17), [0]
    try:
        for _ in range(KILLS):
            worker = _worker(fresh, tmp_path)
            _wait_until_published(settings, place, sizes[-1] + 1)
            time.sleep(chance.uniform(0.0, 2.0))
            worker.kill()
            worker.wait()
            sizes.append(_size_of_whole_tree(settings, place))
    finally:
        stop.set()
        writer.join()
    assert sizes == sorted(sizes)

    last = _worker(fresh, tmp_path)
    try:
        _wait_until_numbered(settings, written[0])
        _wait_until_published(settings, place, written[0])
    finally:
        last.terminate()
        last.wait(60)
    report = Report(settings.log_origin)
    with _session(settings) as session:
        verify_store(session, place, key, report)
    assert report.ok, report.findings


def _wait_until_published(settings: Settings, place: Place, size: int) -> None:
    """Wait until a worker, which may be slow to start, has published so many entries."""
    deadline = time.monotonic() + LONGEST_WAIT
    while _size_of_whole_tree(settings, place) < size:
        assert time.monotonic() < deadline
        time.sleep(0.3)


def _size_of_whole_tree(settings: Settings, place: Place) -> int:
    """The size that the store's checkpoint states, once the tiles in the store alone have given its root."""
    note = place.read(CHECKPOINT)
    if note is None:
        return 0
    key = SigningKey.from_setting(settings.log_origin, settings.log_key).verifier
    checkpoint = open_checkpoint(note.decode(), key, settings.log_origin)

    def tile(level: int, number: int) -> bytes:
        wide = width(level, number, checkpoint.size)
        full = place.read(path(level, number)) or b""  # the partial one may be gone once the tile is full
        return full[: wide * HASH_SIZE] or place.read(path(level, number, wide)) or b""

    assert tree_root(checkpoint.size, tile) == checkpoint.root
    return checkpoint.size


def _write(settings: Settings, stop: threading.Event, written: list[int]) -> None:
    while not stop.wait(0.05):
        with _session(settings) as session:
            for number in range(ENTRIES_AT_ONCE):
                append(session, "test.written", f"test/{number}", HUB)
            session.commit()
        written[0] += ENTRIES_AT_ONCE
