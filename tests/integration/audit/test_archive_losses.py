"""Archives go over entries that were declared lost when a backup was put back: whole, checked, and proved."""

import base64
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import NotFound, Transient
from adapters.object_lock import LockedStore
from audit.archive.format import opened, packed, unpacked
from audit.archive.models import LogArchive
from audit.archive.verify import ArchiveCheck
from audit.log_keys import LogKeys
from audit.months import make_months
from audit.proof import check, prove
from audit.queries import entry_at
from portal.cli.audit import command
from tests.integration.audit.elsewhere import foreign, go_on, numbered, restored
from tests.integration.audit.test_archive import EACH, OLD, Kept, concern, kept, moved

__all__ = ["kept"]
LOST = 600
BEHIND = OLD + LOST + 1
"""The number behind that of the entry that declares the loss."""


def with_a_loss(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """600 entries are lost behind the old ones; ten more, of the month after, follow."""
    with kept.log.session("owner") as owner:
        restored(kept.log, owner, numbered(owner) + foreign(LOST))
        go_on(kept.log, owner)
        owner.commit()
    monkeypatch.setattr("audit.append.system_now", lambda: kept.before - timedelta(days=10))
    kept.log.write(10)
    monkeypatch.setattr("audit.append.system_now", system_now)
    kept.log.sequence()
    with kept.log.session("app") as app:
        make_months(app)
        app.commit()


def forged(kept: Kept, owner: Session, number: int) -> None:
    """The first line of an archive gets another hash."""
    row = owner.get_one(LogArchive, number)
    data = kept.place.locked.read(row.key, row.version)
    header, size = opened(data)
    first = data[size : size + header.blocks[0].bytes]
    right, wrong = (base64.b64encode(leaf) for leaf in (foreign(200)[EACH * number - OLD], foreign(1, "wrong")[0]))
    changed = packed(unpacked(first).replace(right, wrong))
    assert changed != first
    block = replace(header.blocks[0], bytes=len(changed), sha256=sha256(changed).hexdigest())
    header = replace(header, blocks=(block, *header.blocks[1:]))
    head = packed(header.line() + b"\n")
    whole = head + changed + data[size + len(first) :]
    row.version = kept.place.locked.put_held(row.key, whole, row.retain_until)
    row.digest, row.header_bytes, row.bytes = header.digest, len(head), len(whole)
    owner.flush()


def test_archives_go_over_what_was_declared_lost(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    with_a_loss(kept, monkeypatch)
    moved(kept)
    with kept.log.session("owner") as owner:
        rows = owner.query(LogArchive).order_by(LogArchive.number).all()
        assert [row.end_index for row in rows] == [256, 512, 768, 1_024, BEHIND + 10]
        report = kept.verified(owner)
        assert report.ok, report.first
        assert (report.archives, report.archived, report.lost) == (5, OLD + 10, [(OLD, OLD + LOST, OLD + LOST)])
        found, proof = entry_at(owner, BEHIND + 5), prove(owner, BEHIND + 5)
        assert found.row.subject == f"test/{found.envelope['data']['after']['number']}"
        check(proof, found.row.body, LogKeys(kept.log.key.verifier))
        with pytest.raises(NotFound):
            entry_at(owner, OLD + 5)
        forged(kept, owner, 3)
        report = kept.verified(owner)
        assert report.counts["archive_differs"] == 1, report.counts


def test_false_sizes_and_a_store_that_goes_away_hide_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    moved(kept)
    with kept.log.session("owner") as owner:
        owner.execute(text("UPDATE log_archive SET header_bytes = header_bytes + 1 WHERE number = 1"))
        report = kept.verified(owner)
        assert report.counts == {"archive_differs": 1}
        assert (report.archives, report.archived) == (3, OLD), "read by its own header all the same"
        owner.rollback()

        def away(*_: object) -> None:
            raise Transient("store.away", "It is away.")

        monkeypatch.setattr(ArchiveCheck, "_entries", away)
        report = kept.verified(owner)
        assert (report.counts, report.unread, report.entries) == ({"store_away": 3}, OLD, OLD + 4)


def test_a_verification_that_leaves_the_store_out_compares_without_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved(kept)
    concern(kept, 300)

    def away(*_: object, **__: object) -> bytes:
        raise Transient("store.away", "It is away.")

    monkeypatch.setattr(LockedStore, "read", away)
    for name, value in kept.log.environment.items():
        monkeypatch.setenv(name, value)
    told = {words: CliRunner().invoke(command, ["verify", *words]).output for words in ((), ("--no-store",))}
    assert "subject-index: not compared, since entries lie in archives and the object store is away" in told[()]
    assert "away" not in told["--no-store",]
    assert "concerns nobody" in told["--no-store",], "what needs no text is compared"
