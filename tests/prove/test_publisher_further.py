"""The publisher killed at each of its writes, and before a store or a database that somebody changed."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from adapters.errors import ShuniuError, Terminal
from adapters.settings import Settings
from audit.merkle import HASH_SIZE
from audit.store.models import KeptCheckpoint
from audit.store.place import CHECKPOINT, Place
from audit.store.publish import publish
from audit.store.run import Publisher
from tests.integration.audit import test_publish as small
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_publish import grow, place, published, root_from_store, state

__all__ = ["place"]


class Killed(Exception):
    """Stands for SIGKILL at a write: nothing after it happens, the transaction is gone."""


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


def test_one_publisher_is_at_work_at_a_time(log: Log, place: Place) -> None:
    grow(log, 10)
    with log.session("sequencer") as first:
        assert publish(first, place, log.key.verifier) == 10
        with log.session("sequencer") as second:
            assert publish(second, place, log.key.verifier) is None


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


@pytest.mark.parametrize("attack", [removed, forged, full_tile_changed, database_restored])
def test_a_store_that_was_changed_is_not_silently_mended(
    log: Log, place: Place, attack: Callable[[Log, Place], None]
) -> None:
    small.test_a_store_that_was_changed_is_not_silently_mended(log, place, attack)


def test_tiles_that_contradict_their_checkpoint_are_not_published(log: Log, place: Place) -> None:
    grow(log, 10)
    with log.session("owner") as session:
        session.execute(text("UPDATE log_tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)"))
        session.commit()
    with pytest.raises(Terminal, match="do not give the root"):
        published(log, place)
    assert not list(place.names())


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


def test_nothing_of_an_entry_is_published(log: Log, place: Place) -> None:
    log.write(3, matter="application/secret")
    log.sequence()
    published(log, place)
    assert all(b"secret" not in (place.read(name) or b"") for name in place.names())
    assert not list(place.names("tile/entries"))


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
