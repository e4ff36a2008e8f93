"""Each way to falsify the log in the object store, or the database beside it, and what verification says of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text

from adapters.settings import Settings
from audit.actor import HUB
from audit.models import Evidence
from audit.note import Note
from audit.report import Report
from audit.store.mend import PUBLISHED_AGAIN, publish_again, record
from audit.store.models import KeptCheckpoint
from audit.store.place import CHECKPOINT, Place
from audit.store.run import Publisher
from audit.store.verify import verify_store
from tests.integration.audit.conftest import Log

OLD, NEW = 290, 310
FULL, EDGE = "tile/0/000", f"tile/0/001.p/{NEW - 256}"


@dataclass(frozen=True)
class Published:
    """A log of 310 entries in a store of its own; the store held the checkpoint ``old`` of 290 before."""

    log: Log
    place: Place
    old: bytes
    kept: KeptCheckpoint

    def verified(self, settings: Settings | None = None) -> Report:
        report = Report(self.log.settings.log_origin)
        with self.log.session("app") as session:
            key = self.log.key
            verify_store(session, Place.of(settings or self.log.settings), key.verifier, report, key.second.verifier)
        return report

    def run(self, *statements: str) -> None:
        """What the database's owner does."""
        with self.log.session("owner") as session:
            for statement in statements:
                session.execute(text(statement))
            session.commit()


@pytest.fixture
def published(log: Log) -> Published:
    place = Place.of(log.settings)
    publisher = Publisher(log.settings, place)
    log.write(OLD)
    log.sequence()
    publisher.step()
    old = place.read(CHECKPOINT) or b""
    log.write(NEW - OLD)
    log.sequence()
    publisher.step()
    with log.session("app") as session:
        kept = session.query(KeptCheckpoint).one()
        session.expunge(kept)
    return Published(log, place, old, kept)


def test_what_was_published_is_the_same_and_the_log_may_have_gone_on(published: Published) -> None:
    report = published.verified()
    assert report.ok, report.first
    assert report.stored == 2 + 4  # newest and kept checkpoint; a full tile, two partial ones at its edge, one above
    published.log.write(300)
    published.log.sequence()
    assert published.verified().ok


def flipped(name: str, offset: int) -> Callable[[Published], None]:
    def attack(published: Published) -> None:
        data = bytearray(published.place.read(name) or b"")
        data[offset] ^= 1
        published.place.write(name, bytes(data))

    return attack


def removed(name: str) -> Callable[[Published], None]:
    return lambda published: published.place.remove(name)


@pytest.mark.parametrize(("attack", "code"), [(flipped(FULL, 70), "store_tile_differs")])
def test_what_the_store_lost_is_put_back_and_recorded(
    published: Published, attack: Callable[[Published], None], code: str
) -> None:
    attack(published)
    found = published.verified().first
    assert found is not None
    assert found.code == code
    log = published.log
    with log.session("app") as session:
        record(session, HUB, "power loss")
        session.commit()
        entry = session.query(Evidence).filter_by(kind=PUBLISHED_AGAIN).one()
        assert b"power loss" not in entry.body
    with log.session("sequencer") as session:
        assert publish_again(session, published.place) in {1, 2}
        session.commit()
    assert published.verified().ok
    log.sequence()
    assert Publisher(log.settings, published.place).step() == 1
    assert published.verified().ok


@pytest.mark.parametrize("lines", [0, 1])
def test_the_second_signature_of_what_is_published_is_checked(published: Published, lines: int) -> None:
    """It is cut off, or another one stands in its place."""
    note = Note.parse((published.place.read(CHECKPOINT) or b"").decode())
    wrong = replace(note.signatures[1], value=note.signatures[1].value[:-1] + b"\0\0")
    forged = Note(note.text, (note.signatures[0], *[wrong][:lines]))
    published.place.write(CHECKPOINT, str(forged).encode())
    code = "store_checkpoint_not_signed" if lines else "store_checkpoint_signed_once"
    assert published.verified().counts[code] == 1
    published.run(r"UPDATE log_checkpoint SET note = regexp_replace(note, '[^\n]+\n$', '')")
    assert "store_checkpoint_signed_once" not in published.verified().counts, "one from before the second key"
