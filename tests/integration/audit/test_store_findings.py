"""Findings in the object store that no other attack reaches, and states of it that are none."""

from dataclasses import replace
from hashlib import sha256

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from adapters.settings import Settings
from audit.checkpoint import Checkpoint
from audit.keys import SigningKey
from audit.merkle import root
from audit.note import Note
from audit.report import Report
from audit.store.models import PUBLISH_LOCK
from audit.store.place import COSIGNED, Place
from audit.store.run import Publisher
from audit.store.verify import verify_store
from tests.integration.audit.conftest import Log
from tests.integration.audit.elsewhere import foreign, go_on, numbered, restored
from tests.integration.audit.test_verify_store import EDGE, NEW, OLD, Published, published

__all__ = ["published"]


def test_publishing_stands_still_while_the_store_is_compared(published: Published) -> None:
    with published.log.session("sequencer") as publisher, published.log.session("app") as session:
        publisher.execute(select(func.pg_advisory_xact_lock(PUBLISH_LOCK)))
        session.connection().exec_driver_sql("SET LOCAL statement_timeout = 500")
        with pytest.raises(OperationalError, match="statement timeout"):
            verify_store(session, published.place, published.log.key.verifier, Report(""))


def test_the_cosigned_checkpoint_is_one_of_this_log_too(published: Published) -> None:
    published.place.write(COSIGNED, published.old)
    assert published.verified().ok, "an older one"
    stranger = SigningKey(published.log.settings.log_origin, bytes(32))
    forged = Note(Note.parse(published.old.decode()).text).signed(stranger)
    published.place.write(COSIGNED, str(forged).encode())
    report = published.verified()
    assert report.counts == {"store_checkpoint_not_signed": 1}
    assert "The cosigned checkpoint" in report.findings[0].sentence
    for size in (OLD, OLD - 1):
        other = Checkpoint(published.log.key.verifier.name, size, bytes(32))
        published.place.write(COSIGNED, str(Note(str(other)).signed(published.log.key)).encode())
        assert published.verified().counts == {"store_contradicted": 1}


def test_a_publisher_that_was_broken_off_left_the_store_ahead_of_what_is_written_down(published: Published) -> None:
    """Tiles and checkpoint are there, and that they are was not committed."""
    published.run("DELETE FROM log_kept_checkpoint")
    published.log.write(5)
    published.log.sequence()
    Publisher(published.log.settings, published.place).step()
    published.run(f"UPDATE log_store SET size = {OLD}")
    assert published.verified().ok
    edge = f"tile/0/001.p/{NEW + 5 - 256}"
    whole = published.place.read(edge) or b""
    published.place.remove(edge)
    assert published.verified().counts == {"store_tile_missing": 1}, "by the size of the newest checkpoint"
    published.place.write(edge, whole)
    published.place.remove(EDGE)
    assert published.verified().ok, "nobody needs a narrower one"


def test_what_was_kept_of_an_hour_is_that_and_no_other(published: Published) -> None:
    published.run(f"UPDATE log_kept_checkpoint SET size = {NEW}")
    report = published.verified()
    assert report.counts == {"store_kept_differs": 1}
    digest = f"SHA-256 {sha256(published.old).hexdigest()}"
    stated = report.findings[0].expected, report.findings[0].found
    assert stated == (f"{NEW} entries, {digest}", f"{OLD} entries, {digest}")
    published.run(f"UPDATE log_kept_checkpoint SET size = {OLD}, retain_until = retain_until + interval '2 days'")
    assert published.verified().counts == {"store_kept_not_locked": 1}
    free = published.place.locked.put_held(published.kept.key, published.old, None)
    published.run(f"UPDATE log_kept_checkpoint SET version = '{free}'")
    assert published.verified().counts == {"store_kept_not_locked": 1}
    published.run("UPDATE log_kept_checkpoint SET retain_until = NULL")
    assert published.verified().ok, "of a store without lock nothing is expected"
    published.run("UPDATE log_kept_checkpoint SET version = 'another'")
    assert published.verified().counts == {"store_kept_missing": 1}


def test_an_emptied_database_is_not_that_of_the_store(published: Published) -> None:
    published.run("DELETE FROM log_checkpoint", "DELETE FROM log_tile", "UPDATE log_store SET size = 0")
    published.run("DELETE FROM log_kept_checkpoint")
    report = published.verified()
    assert report.counts["store_ahead"] == 2
    assert report.findings[0].expected.startswith(f"{NEW} entries")


def test_a_name_like_that_of_a_tile_is_none(published: Published) -> None:
    published.place.write("0/000", b"?")
    assert published.verified().counts == {"store_object_unknown": 1}


def test_one_bucket_may_hold_what_is_published_and_what_is_locked(log: Log) -> None:
    settings = replace(log.settings, lock_bucket=Place.of(log.settings).tiles.bucket)
    log.write(5)
    log.sequence()
    place = Place.of(settings)
    Publisher(settings, place).step()
    for name in ("stamps/2026/11/28/08.tsr", "archive/000000"):
        place.locked.put_held(place.key(name), b"x", None)
    assert place.tiles.bucket == place.locked.bucket
    report = Report("")
    with log.session("app") as session:
        verify_store(session, place, log.key.verifier, report)
    assert (report.ok, report.counts) == (True, {})


def test_buckets_that_are_not_there_are_no_failure(published: Published, log: Log) -> None:
    gone = {"SHUNIU_LOG_BUCKET": "gone-log", "SHUNIU_LOCK_BUCKET": "gone-locked"}
    report = published.verified(Settings.load({**log.environment, **gone}))
    assert report.counts == {"store_checkpoint_missing": 1, "store_tile_missing": 3, "store_kept_missing": 1}
    published.run("DELETE FROM log_kept_checkpoint", "DELETE FROM log_store")
    assert published.verified(Settings.load({**log.environment, **gone})).ok, "nothing was published yet"


def test_of_what_was_declared_lost_the_true_checkpoints_alone_are_right(log: Log) -> None:
    """Five entries, ten that were lost, and those after them, of which the last checkpoint has three."""
    log.write(5)
    log.sequence()
    with log.session("owner") as owner:
        lost = [*numbered(owner), *foreign(10)]
        restored(log, owner, lost)
        go_on(log, owner)
        owner.commit()
    log.write(2)
    log.sequence()
    place = Place.of(log.settings)
    Publisher(log.settings, place).step()
    with log.session("app") as session:
        leaves = numbered(session)
    assert (leaves[:15], len(leaves)) == (lost, 18)

    def found(size: int, root: bytes) -> dict[str, int]:
        note = Note(str(Checkpoint(log.settings.log_origin, size, root))).signed(log.key).cosigned(log.key.second, 1)
        place.write(COSIGNED, str(note).encode())
        report = Report("")
        with log.session("app") as session:
            verify_store(session, place, log.key.verifier, report, log.key.second.verifier)
        return dict(report.counts)

    assert [found(size, root(leaves[:size])) for size in (6, 10, 15)] == [{}] * 3
    assert [found(size, bytes(32)) for size in (6, 10, 15)] == [{"store_contradicted": 1}] * 3
    assert found(17, root(leaves[:17])) == {"store_contradicted": 1}, "that one was not lost"
    with log.session("owner") as owner:
        owner.connection().exec_driver_sql("DELETE FROM log_tile")
        owner.commit()
    assert found(10, root(leaves[:10]))["store_contradicted"] == 1
