"""Archives: old texts move into locked objects; entries stay found, read and provable; what was done to one shows."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import audit.append
from adapters.clock import system_now
from adapters.errors import Conflict, NotAllowed, Terminal
from audit.actor import HUB
from audit.append import configured
from audit.archive import read, set_aside, write
from audit.archive.expire import declare, over, remove
from audit.archive.format import opened, packed
from audit.archive.models import LogArchive
from audit.archive.queries import keeping
from audit.log_keys import LogKeys
from audit.models import Evidence
from audit.months import make_months, months
from audit.personal import Seal
from audit.proof import check, prove
from audit.queries import entry_at, personal
from audit.report import Report
from audit.retention import Retention
from audit.store.place import Place
from audit.subjects.blind import SubjectKind
from audit.subjects.shown import look
from audit.verify import verify_log
from directory.people.models import Account
from portal.cli.audit import command
from portal.first_people import enter_operator
from tests.integration.audit.conftest import Log
from tests.integration.audit.elsewhere import AUDIT, SYSTEM
from tests.integration.audit.test_restoration import NAMES, PEOPLE, REASONS
from tests.integration.audit.test_sequence import wait_for

OLD = 600
EACH = 256
NUMBER = "11010119900307001X"


class Kept:
    """A log whose 600 old entries are in three archives and no longer in the database, and 3 new ones."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.place = Place.of(log.settings)
        self.place.ensure()
        self.before = Retention.of(log.settings).before()

    def write_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        then = self.before - timedelta(days=40)
        monkeypatch.setattr(audit.append, "system_now", lambda: then)
        self.log.write(OLD)
        monkeypatch.undo()
        while self.log.sequence(100):
            pass
        with self.log.session("app") as app:
            make_months(app)
            app.commit()

    def archive(self, session: Session) -> LogArchive | None:
        return write.archive_next(session, self.place, HUB, self.log.settings.log_origin, self.before)

    def set_aside(self, session: Session) -> dict[str, int]:
        origin = self.log.settings.log_origin
        due = list(set_aside.due(session, self.before))
        return {month: set_aside.set_aside(session, self.place, HUB, month, origin) for month in due}

    def verified(self, session: Session, *, store: bool = True) -> Report:
        keys, seal = self.log.key, Seal(self.log.settings.sealing_key)
        locked = self.place.locked if store else None
        return verify_log(session, keys.verifier, self.log.settings.log_origin, {}, seal=seal, locked=locked)


@pytest.fixture
def kept(log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    made = Kept(log)
    made.write_old(monkeypatch)
    monkeypatch.setattr(write, "LARGEST", EACH)
    read.configure(log.settings)
    yield made
    read._site.clear()


def concern(kept: Kept, index: int) -> None:
    """An old entry concerns somebody, as a call would."""
    with kept.log.session("owner") as owner:
        values = {"index": index, "token": configured().blind.token(SubjectKind.RESIDENT_ID, NUMBER)}
        owner.execute(
            text(
                "INSERT INTO evidence_subject (token, recorded_at, evidence_id) SELECT :token, recorded_at, id"
                " FROM evidence JOIN log_leaf ON evidence_id = id WHERE leaf_index = :index"
            ),
            values,
        )
        owner.commit()


def looked(kept: Kept) -> list[tuple[bool, str]]:
    """What the search by a subject says of the old entry; who looks is recorded, and found the next time."""
    with kept.log.session("app") as app:
        page = look(app, AUDIT, SubjectKind.RESIDENT_ID, NUMBER, "a complaint")
        return [(one.readable, one.program) for one in page.items if one.entry.kind == "test.written"]


def stands(kept: Kept) -> tuple[int, int, int, bool, int]:
    """What pages and status say of the archives, to the app role."""
    with kept.log.session("app") as app:
        now = keeping(app)
    return now.archives, now.archived, now.expired, now.kept_until is not None, len(now.overdue)


def archived_by(kept: Kept) -> list[str | None]:
    """Logins of those whom entries about archives name."""
    names = select(Account.login).select_from(Evidence).outerjoin(Account, Account.person_id == Evidence.person_id)
    with kept.log.session("app") as app:
        kinds = (write.ARCHIVED, set_aside.SET_ASIDE)
        return list(app.scalars(names.where(Evidence.kind.in_(kinds)).distinct()))


def shuniu(*words: str, passwords: str = "") -> str:
    """What the command says."""
    said = CliRunner().invoke(command, words, input=passwords)
    assert said.exit_code == 0, said.output
    return said.output


def moved(kept: Kept) -> None:
    """Archive and set aside, as the command does."""
    with kept.log.session("owner") as owner:
        while kept.archive(owner):
            owner.commit()
        kept.set_aside(owner)
        owner.commit()
    kept.log.sequence()


def test_old_entries_are_archived_once_whatever_breaks_off(kept: Kept) -> None:
    with kept.log.session("owner") as owner:
        assert write.due(owner, kept.before) == [(0, 256), (256, 512), (512, 600)]
        first = kept.archive(owner)
        assert first
        digest = first.digest
        owner.rollback()
        month = next(set_aside.due(owner, kept.before))
        assert kept.set_aside(owner) == {month: -1}, "nothing goes before it is archived"
        owner.rollback()
        again = kept.archive(owner)
        assert again
        assert again.digest == digest, "the same bytes after a crash"
        owner.commit()
        assert [(row.first_index, row.end_index) for row in (kept.archive(owner), kept.archive(owner)) if row] == [
            (256, 512),
            (512, 600),
        ]
        assert kept.archive(owner) is None
        owner.commit()
        assert kept.set_aside(owner) == {month: OLD}
        owner.rollback()
        assert kept.set_aside(owner) == {month: OLD}, "broken off, the texts were still there"
        owner.commit()
        assert month not in months(owner).present
        assert kept.set_aside(owner) == {}
    kept.log.sequence()
    with kept.log.session("app") as app:
        assert app.scalar(text("SELECT count(*) FROM evidence_text")) == 4
        report = kept.verified(app)
        assert report.ok, report.first
        assert (report.entries, report.archives, report.archived, report.opened) == (604, 3, 600, 300)
        unread = kept.verified(app, store=False)
        assert (unread.ok, unread.archives, unread.unread) == (True, None, 600)


def test_archived_entries_are_read_and_proved_and_expire(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    years = kept.place.years
    monkeypatch.setattr(write, "DAYS_OF_A_YEAR", 4 / 86_400 / years)
    concern(kept, 300)
    assert stands(kept) == (0, 0, 0, False, 1), "a month waits to be archived"
    for name, value in kept.log.environment.items():
        monkeypatch.setenv(name, value)
    told = shuniu("archive")
    assert "To archive: entries 0 to 255." in told
    assert "Nothing was done." in told
    with kept.log.session("app") as app:
        code = "11319900DM9000001U"
        enter_operator(app, credit_code=code, short_code="JXW", name="经信委", name_en="", administrators=PEOPLE)
        app.commit()
    nobody = CliRunner().invoke(command, ["archive", "--go"])
    assert (nobody.exit_code, "Name who archives" in nobody.output) == (2, True)
    another = ["archive", "--audit-administrator", "tangjie", "--go"]
    refused = CliRunner().invoke(command, another, input="a first password\n")
    assert "does not hold the role" in str(refused.exception)
    assert stands(kept) == (0, 0, 0, False, 1), "nothing was archived by nobody, nor by somebody else"
    done = shuniu("archive", *NAMES[2:], "--go", passwords="a third password\n")
    assert done.count("digest") == 3
    assert "600 texts lie in archives alone now." in done
    assert "There is nothing to do." in shuniu("archive")
    assert "There is nothing to do." in shuniu("expire", *NAMES, *REASONS, "--go")
    kept.log.sequence()
    assert archived_by(kept) == ["hanxue"]
    assert looked(kept) == [(True, "")]
    assert stands(kept) == (3, OLD, 0, True, 0)
    with kept.log.session("app") as app:
        index = next(number for number in range(300, OLD) if entry_at(app, number).has_personal)
        found, proof = entry_at(app, index), prove(app, index)
        assert found.row.subject == f"test/{found.envelope['data']['after']['number']}"
        check(proof, found.row.body, LogKeys(kept.log.key.verifier))
        assert personal(app, HUB, found.row.id, "a complaint") == {"name": "张三"}
    with kept.log.session("owner") as owner:
        last = max(row.retain_until for row in owner.query(LogArchive))
        wait_for(lambda: last + timedelta(seconds=1) < system_now())
        assert len(over(owner, years)) == 3
        assert over(owner, years + 365 * 86_400) == [], "the rule of today is a longer one"
        with pytest.raises(NotAllowed, match="Two different people"):
            declare(owner, years, SYSTEM, SYSTEM, ("the same", "person"))
        left_behind = owner.get_one(LogArchive, 1).key
    kept.place.locked.put_held(left_behind, b"of an archiving that was broken off", None)
    refused = CliRunner().invoke(command, ["expire", *NAMES, *REASONS, "--go"], input="a first password\nwrong\n")
    assert "Login or password is wrong" in str(refused.exception)
    words = ("expire", *NAMES, *REASONS, "--go")
    assert "3 archives were deleted." in shuniu(*words, passwords="a first password\na third password\n")
    assert [each for each in kept.place.locked.versions(kept.place.key("archive/")) if not each.is_delete_marker] == []
    with kept.log.session("owner") as owner:
        assert (declare(owner, years, SYSTEM, AUDIT, ("once", "more")), remove(owner, kept.place)) == (0, 0)
    with kept.log.session("app") as app:
        report = kept.verified(app)
        assert report.ok, report.first
        assert (report.archives, report.unread) == (0, 600)
        check(prove(app, index), found.row.body, LogKeys(kept.log.key.verifier))
        app.expire_all()
        with pytest.raises(Conflict, match="its period of keeping was over"):
            entry_at(app, index)
    assert f"\nindex {index}\n" in shuniu("proof", str(index))
    assert "is written without the entry" in shuniu("proof", str(index), "--out", str(tmp_path))
    assert stands(kept) == (0, 0, 3, False, 0), "nothing is left of them"
    assert looked(kept) == [(False, "")], "it is still known that somebody was shown it"


def swapped(kept: Kept, owner: Session) -> None:
    owner.execute(
        text(
            "UPDATE log_archive SET key = other.key, version = other.version FROM log_archive AS other"
            " WHERE log_archive.number = 1 AND other.number = 2"
        )
    )


def missing(kept: Kept, owner: Session) -> None:
    owner.execute(text("UPDATE log_archive SET key = key || '0' WHERE number = 1"))


def changed(kept: Kept, owner: Session) -> None:
    row = owner.get_one(LogArchive, 1)
    data = bytearray(kept.place.locked.read(row.key, row.version))
    data[-40] ^= 1
    row.version = kept.place.locked.put_held(row.key, bytes(data), system_now() + timedelta(days=2_000))
    owner.flush()


def unlocked(kept: Kept, owner: Session) -> None:
    row = owner.get_one(LogArchive, 1)
    row.version = kept.place.locked.put_held(row.key, kept.place.locked.read(row.key, row.version), None)
    owner.flush()


def forgotten(kept: Kept, owner: Session) -> None:
    owner.execute(text("DELETE FROM log_archive WHERE number = 1"))


def ended(kept: Kept, owner: Session) -> None:
    """By one person."""
    owner.execute(text("UPDATE log_archive SET expired_at = now() WHERE number = 1"))
    row = owner.get_one(LogArchive, 1)
    told = {"retain_until": f"{row.retain_until:%Y-%m-%d}", "confirmed_by": str(SYSTEM.person_id)}
    audit.append.append(owner, "evidence.archive_expired", f"evidence_archive/{row.digest}", SYSTEM, after=told)


def ended_early(kept: Kept, owner: Session) -> None:
    """By two people, but before its time, as if its period had been another."""
    owner.execute(text("UPDATE log_archive SET retain_until = archived_at WHERE number = 0"))
    assert declare(owner, 0, SYSTEM, AUDIT, ("too", "early")) == 1
    owner.execute(text("UPDATE log_archive SET retain_until = archived_at + interval '1098 days' WHERE number = 0"))


def shortened(kept: Kept, owner: Session) -> None:
    owner.execute(text("UPDATE log_archive SET retain_until = now() WHERE number = 1"))


def rechained(kept: Kept, owner: Session) -> None:
    """The second archive hangs on another first one, and the third on that."""
    previous = "0" * 64
    for row in owner.query(LogArchive).filter(LogArchive.number > 0).order_by(LogArchive.number):
        data = kept.place.locked.read(row.key, row.version)
        header, size = opened(data)
        forged = replace(header, previous=previous)
        head = packed(forged.line() + b"\n")
        row.version = kept.place.locked.put_held(row.key, head + data[size:], row.retain_until)
        row.digest, row.header_bytes, previous = forged.digest, len(head), forged.digest
    owner.flush()


def test_what_was_done_to_an_archive_is_named_first(kept: Kept) -> None:
    moved(kept)
    attacks: dict[Callable[[Kept, Session], None], str] = {
        swapped: "archive_swapped",
        missing: "archive_missing",
        changed: "archive_changed",
        unlocked: "archive_not_locked",
        forgotten: "archive_unknown",
        ended: "archive_unrecorded",
        ended_early: "archive_ended_early",
        shortened: "archive_differs",
        rechained: "archive_unrecorded",
    }
    for attack, code in attacks.items():
        with kept.log.session("owner") as owner:
            attack(kept, owner)
            report = kept.verified(owner)
            assert report.first, attack.__name__
            assert report.first.code == code, attack.__name__
            if attack in {swapped, missing}:
                assert sum(report.counts.values()) == 1, "its 256 entries are not named one by one"
                with pytest.raises(Conflict, match="missing or was changed"):
                    entry_at(owner, 300)
            owner.rollback()
            assert kept.verified(owner).ok


def test_a_falsified_entry_is_not_archived(kept: Kept) -> None:
    with kept.log.session("owner") as owner:
        owner.execute(
            text(
                "UPDATE evidence_text SET body = body || ' '::bytea"
                " WHERE evidence_id = (SELECT evidence_id FROM log_leaf WHERE leaf_index = 7)"
            )
        )
        with pytest.raises(Terminal, match="Entry 7 is not as it was hashed"):
            kept.archive(owner)
        owner.rollback()
        owner.execute(text("DELETE FROM log_leaf WHERE leaf_index = 7"))
        with pytest.raises(Terminal, match="Entry 7 is not as it was hashed"):  # nobody declared it lost
            kept.archive(owner)
