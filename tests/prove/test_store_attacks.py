"""Each way to falsify the log in the object store, or the database beside it, and what verification says of it."""

from collections.abc import Callable

import pytest

from adapters.settings import Settings
from audit.checkpoint import Checkpoint
from audit.keys import SigningKey
from audit.merkle import HASH_SIZE
from audit.note import Note
from audit.report import Report
from audit.store.mend import publish_again
from audit.store.models import KeptCheckpoint
from audit.store.place import CHECKPOINT, Place
from audit.store.run import Publisher
from audit.store.verify import verify_store
from tests.integration.audit import test_verify_store as small
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_verify_store import EDGE, FULL, NEW, OLD, Published, flipped, published, removed

__all__ = ["published"]


def test_a_log_that_was_never_published_is_no_finding(log: Log) -> None:
    log.write(5)
    log.sequence()
    report = Report("")
    with log.session("app") as session:
        verify_store(session, Place.of(log.settings), log.key.verifier, report)
    assert report.ok


def tile_rolled_back(published: Published) -> None:
    """The wide tile is replaced by what it was before."""
    published.place.write(EDGE, (published.place.read(EDGE) or b"")[: (OLD - 256) * HASH_SIZE])


def checkpoint_rolled_back(published: Published) -> None:
    published.place.write(CHECKPOINT, published.old)


def all_rolled_back(published: Published) -> None:
    """Store and the row that knows of it; what is under lock stays."""
    published.log.write(10)
    published.log.sequence()
    settings = published.log.settings
    published.run("DELETE FROM log_kept_checkpoint")
    Publisher(settings, published.place).step()
    published.run(f"UPDATE log_store SET size = {OLD}", "DELETE FROM log_kept_checkpoint")
    published.place.write(CHECKPOINT, published.old)


def signed_by_another(published: Published) -> None:
    key = SigningKey(published.log.settings.log_origin, bytes(32))
    published.place.write(CHECKPOINT, str(Note(Note.parse(published.old.decode()).text).signed(key)).encode())


def forked(published: Published) -> None:
    """Another history, signed with the stolen key."""
    key = published.log.key
    other = Checkpoint(key.verifier.name, NEW + 1, bytes(32))
    published.place.write(CHECKPOINT, str(Note(str(other)).signed(key)).encode())
    published.log.write(1)
    published.log.sequence()


def database_restored(published: Published) -> None:
    """An old backup of the database, which knows nothing of what was published since."""
    published.run(
        f"DELETE FROM log_checkpoint WHERE size > {OLD}",
        f"UPDATE log_store SET size = {OLD}",
        f"UPDATE log_tile SET hashes = substr(hashes, 1, {(OLD - 256) * HASH_SIZE}) WHERE level = 0 AND number = 1",
    )


def database_tile_changed(published: Published) -> None:
    published.run("UPDATE log_tile SET hashes = set_byte(hashes, 64, get_byte(hashes, 64) # 1) WHERE level = 0")


def something_added(published: Published) -> None:
    published.place.write("tile/0/099x", b"?")


def kept_deleted(published: Published) -> None:
    """Without a version the store answers with success, and only hides it."""
    published.place.locked.remove(published.kept.key)


def kept_overlaid(published: Published) -> None:
    published.place.locked.put_held(published.kept.key, published.place.read(CHECKPOINT) or b"", None)


def kept_forged(published: Published) -> None:
    published.place.locked.put_held(published.kept.key, b"no checkpoint", None)


@pytest.mark.parametrize(
    ("attack", "code", "named"),
    [
        (flipped(FULL, 70), "store_tile_differs", "The hash 2 of tile/0/000 in"),
        (flipped(EDGE, 0), "store_tile_differs", f"The hash 0 of {EDGE} in"),
        (flipped(f"tile/0/001.p/{OLD - 256}", 32), "store_tile_differs", "The hash 1 of tile/0/001.p/34 in"),
        (flipped("tile/1/000.p/1", 0), "store_tile_differs", "The hash 0 of tile/1/000.p/1 in"),
        (removed(FULL), "store_tile_missing", "no tile/0/000."),
        (removed(EDGE), "store_tile_missing", f"no {EDGE}."),
        (tile_rolled_back, "store_tile_differs", "The hash 34 of tile/0/001.p/54 in"),
        (removed(CHECKPOINT), "store_checkpoint_missing", "no newest checkpoint"),
        (checkpoint_rolled_back, "store_rolled_back", "rolled back"),
        (all_rolled_back, "store_rolled_back", "older than one that was kept"),
        (flipped(CHECKPOINT, 60), "store_checkpoint_not_signed", "newest checkpoint"),
        (signed_by_another, "store_checkpoint_not_signed", "newest checkpoint"),
        (forked, "store_contradicted", "the log was rewritten"),
        (database_restored, "store_ahead", "the database was rolled back"),
        (database_tile_changed, "store_tile_differs", "The hash 2 of tile/0/000 in"),
        (something_added, "store_object_unknown", "tile/0/099x"),
        (kept_deleted, "store_kept_hidden", "kept/"),
        (kept_overlaid, "store_kept_hidden", "kept/"),
        (kept_forged, "store_checkpoint_not_signed", "The kept checkpoint"),
    ],
)
def test_what_was_falsified_is_named_first(
    published: Published, attack: Callable[[Published], None], code: str, named: str
) -> None:
    attack(published)
    report = published.verified()
    assert report.first is not None
    assert (report.first.code, named in report.first.sentence) == (code, True), report.findings


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (removed(EDGE), "store_tile_missing"),
        (removed(CHECKPOINT), "store_checkpoint_missing"),
        (checkpoint_rolled_back, "store_rolled_back"),
        (signed_by_another, "store_checkpoint_not_signed"),
    ],
)
def test_what_the_store_lost_is_put_back_and_recorded(
    published: Published, attack: Callable[[Published], None], code: str
) -> None:
    small.test_what_the_store_lost_is_put_back_and_recorded(published, attack, code)


def test_a_database_put_back_from_a_backup_is_named_even_after_publishing_again(published: Published) -> None:
    """What is under object lock stays: nobody can make the store agree with a log that was cut back."""
    published.log.write(5)
    published.log.sequence()
    published.run("DELETE FROM log_kept_checkpoint")
    Publisher(published.log.settings, published.place).step()
    database_restored(published)
    with published.log.session("sequencer") as session:
        publish_again(session, published.place)
        session.commit()
    report = published.verified()
    assert "store_ahead" in report.counts, report.findings


def test_a_kept_checkpoint_that_is_gone_from_a_store_without_lock_is_missed(log: Log) -> None:
    settings = Settings.load({**log.environment, "SHUNIU_LOCK_BUCKET": "shuniu"})
    log.write(5)
    log.sequence()
    place = Place.of(settings)
    Publisher(settings, place).step()
    with log.session("app") as session:
        key = session.query(KeptCheckpoint).one().key
        report = Report("")
        verify_store(session, place, log.key.verifier, report)
        assert report.ok, report.first
        place.locked.remove(key)
        verify_store(session, place, log.key.verifier, report)
    assert report.first is not None
    assert report.first.code == "store_kept_missing"


def test_a_store_that_is_away_is_a_finding(published: Published) -> None:
    away = Settings.load({**published.log.environment, "SHUNIU_S3_URL": "http://127.0.0.1:9"})
    report = published.verified(away)
    assert report.first is not None
    assert report.first.code == "store_away"
