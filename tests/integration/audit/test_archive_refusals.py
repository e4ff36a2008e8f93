"""When nothing is archived, set aside, held or ended; and what verification finds of one archive that was changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.errors import Conflict, Terminal, Transient
from adapters.object_lock import LockedStore
from audit.archive import set_aside, write
from audit.archive.expire import declare, remove
from audit.archive.format import opened, packed
from audit.archive.models import ARCHIVE_LOCK, LogArchive
from audit.store.place import Place
from tests.integration.audit.elsewhere import AUDIT, SYSTEM
from tests.integration.audit.test_archive import Kept, kept, moved, rechained

__all__ = ["kept"]


def test_one_alone_works_on_archives(kept: Kept) -> None:
    with kept.log.session("owner") as owner:
        month = next(set_aside.due(owner, kept.before))
    acts: list[Callable[[Session], object]] = [
        kept.archive,
        lambda owner: write.hold_longer(owner, kept.place, SYSTEM),
        lambda owner: set_aside.set_aside(owner, kept.place, SYSTEM, month, kept.log.settings.log_origin),
        lambda owner: declare(owner, 3, SYSTEM, AUDIT, ("a", "b")),
        lambda owner: remove(owner, kept.place),
    ]
    with kept.log.session("owner") as other:
        other.execute(select(func.pg_advisory_xact_lock(ARCHIVE_LOCK)))
        for act in acts:
            with kept.log.session("owner") as owner, pytest.raises(Conflict, match="Somebody else works on the arch"):
                act(owner)


def test_nothing_is_archived_in_a_store_that_does_not_hold_it_or_gives_back_something_else(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.place.ensure()
    held, read = LockedStore.put_held, LockedStore.read

    def not_at_all(store: LockedStore, key: str, data: bytes, until: datetime | None) -> str:
        return held(store, key, data, None if "/archive/" in key else until)

    def shorter(store: LockedStore, key: str, data: bytes, until: datetime | None) -> str:
        return held(store, key, data, until - timedelta(days=1) if until and "/archive/" in key else until)

    def other(store: LockedStore, key: str, version: str = "", *, offset: int = 0, length: int = 0) -> bytes:
        return read(store, key, version, offset=offset, length=length) + (b"x" if "/archive/" in key else b"")

    for name, lie in (("put_held", not_at_all), ("put_held", shorter), ("read", other)):
        with monkeypatch.context() as patched, kept.log.session("owner") as owner:
            patched.setattr(LockedStore, name, lie)
            with pytest.raises(Terminal, match="did not give back the archive"):
                kept.archive(owner)
            owner.rollback()
            assert owner.query(LogArchive).count() == 0
    bare = Place.of(replace(kept.log.settings, lock_bucket=kept.log.settings.s3_bucket))
    with kept.log.session("owner") as owner, pytest.raises(Conflict, match="no object lock in the bucket"):
        write.archive_next(owner, bare, SYSTEM, kept.log.settings.log_origin, kept.before)


def test_nothing_is_set_aside_beside_a_bad_archive(kept: Kept) -> None:
    with kept.log.session("owner") as owner:
        while kept.archive(owner):
            owner.commit()
        owner.execute(text("UPDATE log_archive SET key = key || '0' WHERE number = 1"))
        with pytest.raises(Conflict, match=r"nothing is set aside: The archive .* is gone"):
            kept.set_aside(owner)
        owner.rollback()
        owner.execute(text("UPDATE log_archive SET expired_at = now() WHERE number = 1"))
        assert {*kept.set_aside(owner).values()} == {-1}, "texts of an archive that ended are in it no more"


def test_what_ended_is_held_no_longer_and_what_the_store_refuses_is_not_written_down(kept: Kept) -> None:
    moved(kept)
    longer = replace(kept.place, years=kept.place.years + 2)
    away = replace(Place.of(replace(kept.log.settings, s3_url="http://127.0.0.1:9")), years=longer.years)
    with kept.log.session("owner") as owner:
        before = [row.retain_until for row in owner.query(LogArchive).order_by(LogArchive.number)]
        with pytest.raises(Transient):
            write.hold_longer(owner, away, SYSTEM)
        owner.rollback()
        assert [row.retain_until for row in owner.query(LogArchive).order_by(LogArchive.number)] == before
        owner.execute(text("UPDATE log_archive SET expired_at = now() WHERE number = 1"))
        held = write.hold_longer(owner, longer, SYSTEM)
        assert [row.number for row in held] == [0, 2]
        for row in held:
            until = kept.place.locked.retained_until(row.key, row.version)
            assert until == row.retain_until.replace(microsecond=0)
            assert row.retain_until == row.archived_at + timedelta(days=366 * longer.years)
        assert write.hold_longer(owner, longer, SYSTEM) == []
        assert write.hold_longer(owner, kept.place, SYSTEM) == []


def put(kept: Kept, owner: Session, change: Callable[[bytes], bytes], **values: object) -> None:
    """Put other bytes in the second archive's place, held as long, and let its row name them."""
    row = owner.get_one(LogArchive, 1)
    data = change(kept.place.locked.read(row.key, row.version))
    row.version = kept.place.locked.put_held(row.key, data, row.retain_until)
    for name, value in values.items():
        setattr(row, name, value)
    owner.flush()


def with_header(data: bytes, **values: object) -> bytes:
    header, size = opened(data)
    return packed(replace(header, **values).line() + b"\n") + data[size:]  # type: ignore[arg-type]  # fields of it


def run(statement: str) -> Callable[[Kept, Session], None]:
    def act(_: Kept, owner: Session) -> None:
        owner.execute(text(statement))

    return act


def shorter_held(kept: Kept, owner: Session) -> None:
    row = owner.get_one(LogArchive, 1)
    data = kept.place.locked.read(row.key, row.version)
    row.version = kept.place.locked.put_held(row.key, data, row.retain_until - timedelta(days=1))
    owner.flush()


def held_longer_and_written_back(kept: Kept, owner: Session) -> None:
    before = owner.get_one(LogArchive, 1).retain_until
    assert len(write.hold_longer(owner, replace(kept.place, years=kept.place.years + 2), SYSTEM)) == 3
    owner.execute(text("UPDATE log_archive SET retain_until = :before WHERE number = 1"), {"before": before})


FOUND: list[tuple[Callable[[Kept, Session], None], str, str]] = [
    (lambda kept, owner: put(kept, owner, lambda _: b"x"), "archive_changed", "is none any more"),
    (
        lambda kept, owner: put(kept, owner, lambda data: with_header(data, previous="0" * 64)),
        "archive_changed",
        "has another header than it was given",
    ),
    (
        lambda kept, owner: put(kept, owner, lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]),
        "archive_changed",
        "was changed, from entry 256 on",
    ),
    (lambda kept, owner: put(kept, owner, lambda data: data + b"x"), "archive_changed", "has more at its end"),
    (run("UPDATE log_archive SET bytes = bytes + 1 WHERE number = 1"), "archive_differs", "of the size of the archive"),
    (
        run("UPDATE log_archive SET header_bytes = header_bytes + 1 WHERE number = 1"),
        "archive_differs",
        "of the size of the archive",
    ),
    (shorter_held, "archive_not_locked", "can be deleted before its time"),
    (held_longer_and_written_back, "archive_differs", "is not what was recorded of it"),
]


def test_each_change_of_an_archive_is_the_one_finding(kept: Kept) -> None:
    moved(kept)
    for act, code, said in FOUND:
        with kept.log.session("owner") as owner:
            act(kept, owner)
            report = kept.verified(owner)
            assert report.counts == {code: 1}, (said, report.findings)
            assert report.first is not None
            assert said in report.first.sentence
    with kept.log.session("owner") as owner:
        beyond = "SELECT evidence_id FROM log_leaf WHERE leaf_index = 600"
        owner.execute(text(f"DELETE FROM evidence_text WHERE evidence_id = ({beyond})"))  # noqa: S608  # our own words
        report = kept.verified(owner)
        assert report.first is not None, "the first entry behind those that are archived has no text any more"
        assert report.first.index == 600, report.findings
        owner.rollback()
        owner.execute(text("DELETE FROM log_archive WHERE number = 2"))
        report = kept.verified(owner)
        assert any("was made and is not written down" in each.sentence for each in report.findings), report.findings
        owner.rollback()
        rechained(kept, owner)
        report = kept.verified(owner)
        assert report.counts["archive_chain_broken"] == 1, report.findings
        owner.rollback()
        owner.execute(text("UPDATE log_archive SET end_index = end_index - 1 WHERE number = 0"))
        report = kept.verified(owner)
        assert report.counts["archive_chain_broken"] == 1, report.findings
        assert report.counts["archive_unknown"] == 1, report.findings
        owner.rollback()
        owner.rollback()
        kept.place = replace(kept.place, locked=LockedStore(replace(kept.log.settings, s3_url="http://127.0.0.1:9")))
        report = kept.verified(owner)
        assert (report.counts, report.archives) == ({"store_away": 3}, 0)
