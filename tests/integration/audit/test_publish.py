"""The publisher against a real object store: what it writes, in which order, and what a crash at each write leaves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.clock import system_now
from adapters.errors import Misconfigured, ShuniuError, Terminal, Transient
from adapters.object_lock import LockedStore
from adapters.settings import Settings
from audit.checkpoint import open_checkpoint
from audit.merkle import HASH_SIZE
from audit.store.keep import keep, try_lock
from audit.store.models import KeptCheckpoint, LogStore
from audit.store.place import CHECKPOINT, Place
from audit.store.publish import publish
from audit.store.run import Publisher
from audit.tiles import named, tree_root
from tests.integration.audit.conftest import Log


class Killed(Exception):
    """Stands for SIGKILL at a write: nothing after it happens, the transaction is gone."""


@pytest.fixture
def place(log: Log) -> Place:
    made = Place.of(log.settings)
    made.ensure()
    return made


def grow(log: Log, count: int) -> None:
    log.write(count)
    while log.sequence(100):
        pass


def published(log: Log, place: Place) -> int:
    """One step of the publisher."""
    with log.session("sequencer") as session:
        done = publish(session, place, log.key.verifier)
        session.commit()
    return done


def state(log: Log) -> LogStore:
    with log.session("app") as session:
        row = session.get_one(LogStore, 1)
        session.expunge(row)
    return row


def root_from_store(log: Log, place: Place) -> tuple[int, bool]:
    """The published size, and whether the published tiles alone give the published root."""
    note = place.read(CHECKPOINT)
    assert note is not None
    checkpoint = open_checkpoint(note.decode(), log.key.verifier, log.settings.log_origin)
    hashes: dict[tuple[int, int], bytes] = {}
    for name in place.names("tile/"):
        parts = named(name.removeprefix("tile/"))
        assert parts is not None, name
        data = place.read(name) or b""
        assert len(data) == parts[2] * HASH_SIZE
        hashes[parts[:2]] = max(hashes.get(parts[:2], b""), data, key=len)
    root = tree_root(checkpoint.size, lambda *where: hashes.get(where, b""))
    return checkpoint.size, root == checkpoint.root


def test_tiles_and_the_checkpoint_are_published_and_full_tiles_replace_partial_ones(log: Log, place: Place) -> None:
    grow(log, 200)
    assert [published(log, place), published(log, place)] == [200, 0]
    assert list(place.names()) == ["checkpoint", "tile/0/000.p/200"]
    grow(log, 50)
    assert published(log, place) == 50
    assert list(place.names()) == ["checkpoint", "tile/0/000.p/200", "tile/0/000.p/250"]
    grow(log, 350)
    assert published(log, place) == 350
    assert list(place.names()) == [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    ]
    assert root_from_store(log, place) == (600, True)
    assert (state(log).size, state(log).problem) == (600, "")


def test_nothing_of_an_entry_is_published(log: Log, place: Place) -> None:
    log.write(3, matter="application/secret")
    log.sequence()
    published(log, place)
    assert all(b"secret" not in (place.read(name) or b"") for name in place.names())
    assert not list(place.names("tile/entries"))


@pytest.mark.parametrize("write", range(5))
def test_killed_at_any_write_the_checkpoint_is_never_before_its_tiles(
    log: Log, place: Place, write: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(log, 200)
    published(log, place)
    grow(log, 400)
    with monkeypatch.context() as patched:
        patched.setattr(Place, "write", killed_at(write, Place.write))
        with pytest.raises(Killed):
            published(log, place)
    assert root_from_store(log, place) == (200, True)
    assert published(log, place) == 400
    assert root_from_store(log, place) == (600, True)


def killed_at(count: int, write: Callable[..., None]) -> Callable[..., None]:
    """A write that is killed before its n-th call does anything."""
    left = count

    def instead(*arguments: object, **named_arguments: object) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        write(*arguments, **named_arguments)

    return instead


def test_killed_between_the_checkpoint_and_the_commit_the_next_step_goes_on_from_the_store(
    log: Log, place: Place
) -> None:
    grow(log, 300)
    with log.session("sequencer") as session:
        assert publish(session, place, log.key.verifier) == 300
        session.rollback()
    assert published(log, place) == 0
    assert state(log).size == 300
    grow(log, 10)
    assert published(log, place) == 10
    assert root_from_store(log, place) == (310, True)


def test_one_publisher_is_at_work_at_a_time(log: Log, place: Place) -> None:
    grow(log, 10)
    with log.session("sequencer") as first:
        assert publish(first, place, log.key.verifier) == 10
        assert published(log, place) == 0


def rolled_back(log: Log, place: Place) -> None:
    old = place.read(CHECKPOINT) or b""
    grow(log, 20)
    published(log, place)
    place.write(CHECKPOINT, old)


def removed(_: Log, place: Place) -> None:
    place.remove(CHECKPOINT)


def forged(_: Log, place: Place) -> None:
    place.write(CHECKPOINT, (place.read(CHECKPOINT) or b"").replace(b"\n10\n", b"\n11\n"))


def full_tile_changed(_: Log, place: Place) -> None:
    place.write("tile/0/000", bytes(256 * HASH_SIZE))


def database_restored(log: Log, _: Place) -> None:
    """The owner puts back what a backup held before the last batch."""
    with log.session("owner") as session:
        for statement in ("DELETE FROM log_checkpoint", "DELETE FROM log_leaf", "DELETE FROM log_tile"):
            session.execute(text(statement))
        session.execute(text("UPDATE log_store SET size = 0"))
        session.commit()


@pytest.mark.parametrize("attack", [rolled_back, removed, forged, full_tile_changed, database_restored])
def test_a_store_that_was_changed_is_not_silently_mended(
    log: Log, place: Place, attack: Callable[[Log, Place], None]
) -> None:
    grow(log, 10)
    published(log, place)
    attack(log, place)
    grow(log, 300)
    before = place.read(CHECKPOINT)
    with pytest.raises(Terminal, match="does not hold what was published"):
        published(log, place)
    assert place.read(CHECKPOINT) == before


def test_tiles_that_contradict_their_checkpoint_are_not_published(log: Log, place: Place) -> None:
    grow(log, 10)
    with log.session("owner") as session:
        session.execute(text("UPDATE log_tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)"))
        session.commit()
    with pytest.raises(Terminal, match="do not give the root"):
        published(log, place)
    assert not list(place.names())


def test_one_checkpoint_an_hour_is_kept_and_nobody_can_delete_it(log: Log, place: Place) -> None:
    grow(log, 10)
    published(log, place)
    with log.session("sequencer") as session:
        assert try_lock(session, place)
        kept = keep(session, place, locks=True)
        assert kept is not None
        assert keep(session, place, locks=True) is None
        session.commit()
        session.refresh(kept)
        session.expunge(kept)
    assert kept.retain_until is not None
    assert (kept.retain_until - system_now()).days >= 3 * 365
    assert place.locked.retained_until(kept.key, kept.version) == kept.retain_until.replace(microsecond=0)
    with pytest.raises(Transient, match="AccessDenied"):
        place.locked.remove_version(kept.key, kept.version)
    with pytest.raises(Transient, match="AccessDenied"):
        shorten(place.locked, kept)
    assert place.locked.read(kept.key, kept.version) == place.read(CHECKPOINT)


def shorten(store: LockedStore, kept: KeptCheckpoint) -> None:
    store.hold(kept.key, kept.version, system_now() + timedelta(days=1))


def test_a_store_without_object_lock_is_found_out_and_said(log: Log) -> None:
    """A bucket that was made without the lock stands for a store that has none: it refuses retention."""
    environment = {**log.environment, "SHUNIU_LOCK_BUCKET": "shuniu"}
    settings = Settings.load(environment)
    grow(log, 10)
    publisher = Publisher(settings, Place.of(settings))
    assert publisher.step() == 10
    assert state(log).lock == "NOT_LOCKED"
    with log.session("app") as session:
        kept = session.query(KeptCheckpoint).one()
    assert kept.retain_until is None
    assert Place.of(settings).locked.read(kept.key) == Place.of(settings).read(CHECKPOINT)


def test_a_store_that_is_away_is_written_down_and_forgotten_when_it_is_back(log: Log) -> None:
    grow(log, 10)
    away = Settings.load({**log.environment, "SHUNIU_S3_URL": "http://127.0.0.1:9"})
    publisher = Publisher(away, Place.of(away))
    with pytest.raises(ShuniuError) as raised:
        publisher.step()
    publisher.failed(raised.value)
    assert "object store" in state(log).problem
    assert state(log).problem_since is not None
    back = Publisher(log.settings, Place.of(log.settings))
    back.step()
    assert (state(log).problem, state(log).problem_since, state(log).size) == ("", None, 10)
    publisher.failed(raised.value)  # another worker's, and said again although it is the same
    assert state(log).problem
    back.step()
    assert state(log).problem == ""


def test_less_than_the_legal_floor_is_refused(log: Log) -> None:
    with pytest.raises(Misconfigured, match="SHUNIU_LOCK_YEARS is 2"):
        Place.of(Settings.load({**log.environment, "SHUNIU_LOCK_YEARS": "2"}))


@pytest.mark.parametrize("statement", ["UPDATE log_store SET size = 0", "DELETE FROM log_kept_checkpoint"])
def test_the_portal_s_role_cannot_change_what_is_known_of_the_store(log: Log, statement: str) -> None:
    with log.session("app") as session, pytest.raises(Exception, match="permission denied"):
        session.execute(text(statement))
