"""The publisher against a real object store: what it writes, in which order, and what a crash at each write leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from adapters.clock import system_now
from adapters.errors import Misconfigured, Terminal, Transient
from adapters.object_lock import LockedStore
from adapters.settings import Settings
from audit.checkpoint import open_checkpoint
from audit.merkle import HASH_SIZE
from audit.report import Report
from audit.store.keep import keep, try_lock
from audit.store.models import PUBLISH_LOCK, KeptCheckpoint, LogStore
from audit.store.place import CHECKPOINT, Place
from audit.store.publish import publish
from audit.store.run import Publisher
from audit.store.verify import verify_store
from audit.tiles import named, tree_root
from tests.integration.audit.conftest import Log


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
    assert done is not None, "another publisher is at work"
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


def rolled_back(log: Log, place: Place) -> None:
    old = place.read(CHECKPOINT) or b""
    grow(log, 20)
    published(log, place)
    place.write(CHECKPOINT, old)


@pytest.mark.parametrize("attack", [rolled_back])
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


def test_what_is_kept_is_published_already(log: Log, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.store.publish.STEP", 100)
    grow(log, 250)
    assert Publisher(log.settings, place).step() == 100
    with log.session("app") as session:
        assert session.scalar(select(KeptCheckpoint.size)) == 100


def test_a_bucket_that_takes_no_lock_does_not_keep_the_log_from_being_published(log: Log, place: Place) -> None:
    grow(log, 10)
    closed = replace(log.settings, lock_bucket="-no-bucket-can-be-called-so-")
    publisher = Publisher(closed, Place.of(closed))
    for _ in range(2):
        with pytest.raises(ValueError, match="bucket name") as raised:
            publisher.step()
        publisher.failed(raised.value)
        since = state(log).problem_since
    assert root_from_store(log, place) == (10, True)
    grow(log, 10)
    with pytest.raises(ValueError, match="bucket name"):
        publisher.step()
    assert (root_from_store(log, place), state(log).problem_since) == ((20, True), since)


def test_what_is_wrong_with_the_published_log_does_not_keep_a_checkpoint_from_its_lock(log: Log, place: Place) -> None:
    grow(log, 10)
    published(log, place)
    place.remove(CHECKPOINT)
    grow(log, 10)
    with pytest.raises(Terminal, match="does not hold what was published"):
        Publisher(log.settings, place).step()
    with log.session("app") as session:
        assert session.scalar(select(KeptCheckpoint.size)) == 20
        report = Report(log.settings.log_origin)
        verify_store(session, place, log.key.verifier, report, log.key.second.verifier)
    assert [each.code for each in report.findings] == ["store_checkpoint_missing"], "and none of a roll-back"


def compared(log: Log, place: Place) -> list[str]:
    """What verification finds in the store."""
    report = Report(log.settings.log_origin)
    with log.session("app") as session:
        verify_store(session, place, log.key.verifier, report, log.key.second.verifier)
    return [each.code for each in report.findings]


def test_a_problem_is_over_when_all_that_was_kept_meanwhile_is_published(
    log: Log, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then more is kept than published, which would be a roll-back where nothing is wrong."""
    publisher = Publisher(log.settings, place)
    grow(log, 2)
    published(log, place)
    taken = place.read(CHECKPOINT) or b""
    place.remove(CHECKPOINT)
    for _ in range(4):
        grow(log, 2)
    with pytest.raises(Terminal):
        publisher.step()
    assert state(log).problem
    place.write(CHECKPOINT, taken)
    with log.session("app") as verifying:
        verifying.execute(select(func.pg_advisory_xact_lock_shared(PUBLISH_LOCK)))
        assert publisher.step() == 0
    assert (bool(state(log).problem), compared(log, place)) == (True, []), "a verification ends no problem"
    monkeypatch.setattr("audit.store.publish.STEP", 1)
    seen = []
    while publisher.step():
        seen.append((bool(state(log).problem), compared(log, place)))
    assert seen == [(True, [])] * 3 + [(False, [])]


def test_an_hour_is_kept_while_a_verification_holds_publishing_up(log: Log, place: Place) -> None:
    grow(log, 10)
    published(log, place)
    with log.session("app") as verifying:
        verifying.execute(select(func.pg_advisory_xact_lock_shared(PUBLISH_LOCK)))
        assert Publisher(log.settings, place).step() == 0
    with log.session("app") as session:
        assert session.scalar(select(KeptCheckpoint.size)) == 10


def test_one_checkpoint_an_hour_is_kept_and_nobody_can_delete_it(log: Log, place: Place) -> None:
    grow(log, 10)
    published(log, place)
    with log.session("sequencer") as session:
        assert try_lock(session, place)
        [kept] = keep(session, place, locks=True)
        assert keep(session, place, locks=True) == []
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


def test_checkpoints_are_held_as_long_as_the_retention_rule_says(services: dict[str, str]) -> None:
    five = {**services, "SHUNIU_RETENTION_RULE": "district-five-years"}
    assert (Place.of(Settings.load(services)).years, Place.of(Settings.load(five)).years) == (3, 5)


def test_less_than_the_legal_floor_is_refused(services: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match="SHUNIU_LOCK_YEARS is 2"):
        Place.of(Settings.load({**services, "SHUNIU_LOCK_YEARS": "2"}))
