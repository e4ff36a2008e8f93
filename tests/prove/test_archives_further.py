"""Archiving and expiry killed with SIGKILL at every point, beside a verification, under a longer rule, after a loss."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Transient
from audit.archive import write
from audit.archive.expire import declare, over, remove
from audit.archive.models import LogArchive
from audit.archive.recorded import Recorded
from audit.archive.recorded import recorded as recorded_in_log
from audit.queries import entry_at
from audit.store.place import Place
from portal.first_people import enter_operator
from tests.integration.audit.elsewhere import AUDIT, SYSTEM
from tests.integration.audit.test_archive import OLD, Kept, kept, moved
from tests.integration.audit.test_archive_losses import LOST, with_a_loss
from tests.integration.audit.test_restoration import NAMES, PEOPLE, REASONS
from tests.integration.audit.test_sequence import wait_for

__all__ = ["kept"]
HELD_SECONDS = 20
DIES = """
import importlib, os, signal, sys
module, name, when, count, *words = sys.argv[1:]
from audit.archive import write
write.LARGEST, write.DAYS_OF_A_YEAR = 256, %s / 86_400 / 3
from portal.cli.audit import command
*path, last = name.split(".")
owner = importlib.import_module(module)
for part in path:
    owner = getattr(owner, part)
original, calls = getattr(owner, last), [0]
def dies(*given, **named):
    calls[0] += 1
    if when == "before" and calls[0] == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*given, **named)
    if when == "after" and calls[0] == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, last, dies)
command(words)
"""
ARCHIVE = ("archive", *NAMES[2:], "--go")
ARCHIVING = [
    ("portal.archiving", "write.archive_next", "before", 1),
    ("audit.archive.write", "_stored", "before", 1),
    ("audit.archive.write", "_stored", "after", 1),
    ("audit.archive.write", "append", "after", 1),
    ("portal.archiving", "write.archive_next", "after", 1),
    ("portal.archiving", "write.archive_next", "before", 2),
    ("audit.archive.write", "_stored", "after", 2),
    ("portal.archiving", "_set_aside", "before", 1),
    ("audit.archive.set_aside", "append", "after", 1),
    ("portal.archiving", "set_aside.set_aside", "after", 1),
]
ENDING = [
    ("portal.archiving", "declare", "before", 1),
    ("portal.archiving", "declare", "after", 1),
    ("portal.archiving", "remove", "before", 1),
    ("adapters.object_lock", "LockedStore.remove_version", "after", 1),
    ("portal.archiving", "remove", "after", 1),
]


def run(kept: Kept, point: tuple[str, str, str, int], *words: str) -> int:
    """Run the command in a process of its own, which kills itself at the point; its status."""
    done = subprocess.run(
        [sys.executable, "-c", DIES % HELD_SECONDS, *map(str, point), *words],
        env=kept.log.environment,
        input="a third password\n" if words == ARCHIVE else "a first password\na third password\n",
        text=True,
        capture_output=True,
        timeout=120,
        start_new_session=True,
        check=False,
    )
    assert done.returncode in {0, -9}, done.stdout + done.stderr
    return done.returncode


def recorded(kept: Kept, kind: str) -> int:
    with kept.log.session("app") as app:
        return app.scalar(text("SELECT count(*) FROM evidence WHERE kind = :kind"), {"kind": kind}) or 0


def whole(kept: Kept) -> None:
    kept.log.sequence()
    with kept.log.session("app") as app:
        report = kept.verified(app)
        assert report.ok, report.first


NEVER = ("portal.archiving", "click.echo", "before", 1_000)


def test_killed_at_every_point_nothing_is_lost_or_done_twice(kept: Kept) -> None:
    with kept.log.session("app") as app:
        code = "11319900DM9000001U"
        enter_operator(app, credit_code=code, short_code="JXW", name="经信委", name_en="", administrators=PEOPLE)
        app.commit()
    for point in ARCHIVING:
        assert run(kept, point, *ARCHIVE) == -9, point
        whole(kept)
    assert run(kept, NEVER, *ARCHIVE) == 0
    whole(kept)
    assert (recorded(kept, "evidence.archived"), recorded(kept, "evidence.month_set_aside")) == (3, 1)
    with kept.log.session("owner") as owner:
        assert [row.end_index for row in owner.query(LogArchive).order_by(LogArchive.number)] == [256, 512, OLD]
        last = max(row.retain_until for row in owner.query(LogArchive))
        versions = list(kept.place.locked.versions(kept.place.key("archive/")))
        assert len(versions) > 3, "what was left behind where it was broken off"
    wait_for(lambda: system_now() > last + timedelta(seconds=1), HELD_SECONDS * 2)
    for point in ENDING:
        assert run(kept, point, "expire", *NAMES, *REASONS, "--go") == -9, point
        whole(kept)
    assert run(kept, NEVER, "expire", *NAMES, *REASONS, "--go") == 0
    whole(kept)
    assert recorded(kept, "evidence.archive_expired") == 3
    left = [each for each in kept.place.locked.versions(kept.place.key("archive/")) if not each.is_delete_marker]
    assert left == []


def test_without_the_store_nothing_is_written_down(kept: Kept) -> None:
    away = Place.of(replace(kept.log.settings, s3_url="http://127.0.0.1:9"))
    with kept.log.session("owner") as owner:
        with pytest.raises(Transient):
            write.archive_next(owner, away, SYSTEM, kept.log.settings.log_origin, kept.before)
        owner.rollback()
        assert owner.query(LogArchive).count() == 0
    moved(kept)
    with kept.log.session("owner") as owner:
        owner.execute(text("UPDATE log_archive SET retain_until = now(), archived_at = now() - interval '9 years'"))
        assert declare(owner, 3, SYSTEM, AUDIT, ("a", "b")) == 3
        with pytest.raises(Transient):
            remove(owner, away)
        assert owner.query(LogArchive).filter(LogArchive.removed_at.is_not(None)).count() == 0
        with pytest.raises(Transient):  # the store holds what was only written down as over
            remove(owner, kept.place)


def test_no_month_goes_while_a_verification_looks(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    read, waited = recorded_in_log, list[bool]()

    def meanwhile(session: Session, kind: str) -> Mapping[str, Sequence[Recorded | None]]:
        if not waited:  # the snapshot is taken; setting aside looks at the archives too
            waited.append(True)
            with pytest.raises(OperationalError, match="lock timeout"):
                moved(kept)
        return read(session, kind)

    with kept.log.session("app") as app:
        app.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        with monkeypatch.context() as patched:
            patched.setattr("audit.archive.verify.recorded", meanwhile)
            report = kept.verified(app)
        assert (report.ok, waited) == (True, [True]), report.first
    moved(kept)
    whole(kept)


def test_archives_are_made_while_others_write_number_and_read(kept: Kept) -> None:
    stop, wrong, done = threading.Event(), list[Exception](), Counter[str]()

    def again_and_again(name: str, act: Callable[[], object]) -> None:
        while not stop.is_set():
            try:
                act()
                done[name] += 1
            except Exception as error:  # whatever it is, none may happen
                wrong.append(error)

    def read() -> None:
        with kept.log.session("app") as app:
            for index in range(0, OLD, 50):
                found = entry_at(app, index)
                assert found.envelope["data"]["after"]["number"] is not None

    acts = {"write": lambda: kept.log.write(20), "number": kept.log.sequence, "read": read}
    threads = [threading.Thread(target=again_and_again, args=each) for each in acts.items()]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            with suppress(OperationalError):
                moved(kept)
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert wrong == []
    assert min(done[name] for name in acts) > 0, done
    with kept.log.session("app") as app:
        assert (
            app.scalar(text("SELECT count(*) FROM evidence_text WHERE recorded_at < :before"), {"before": kept.before})
            == 0
        )
    whole(kept)


def test_a_longer_rule_holds_what_a_shorter_one_archived(kept: Kept) -> None:
    moved(kept)
    longer = replace(kept.place, years=5)
    with kept.log.session("owner") as owner:
        held = write.hold_longer(owner, longer, SYSTEM)
        assert len(held) == 3
        owner.commit()
        for row in held:
            until = kept.place.locked.retained_until(row.key, row.version)
            assert until is not None
            assert until - row.archived_at > timedelta(days=5 * 366 - 1)
        assert write.hold_longer(owner, longer, SYSTEM) == []
        assert write.hold_longer(owner, kept.place, SYSTEM) == [], "a shorter rule takes nothing back"
    whole(kept)


def test_nothing_ends_before_the_day_and_a_leap_day_shortens_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved(kept)
    with kept.log.session("owner") as owner:
        owner.execute(
            text(
                "UPDATE log_archive SET archived_at = '2028-02-29 10:00Z',"
                " retain_until = timestamptz '2028-02-29 10:00Z' + interval '1098 days'"
            )
        )
        for moment, count in (("2031-03-03T09:59:59+00:00", 0), ("2031-03-04T10:00:00+00:00", 3)):
            fixed = datetime.fromisoformat(moment)
            monkeypatch.setattr("audit.archive.expire.system_now", lambda fixed=fixed: fixed)
            assert len(over(owner, 3)) == count, moment
            assert over(owner, 5) == []


def test_a_loss_stays_declared_when_the_text_that_declares_it_has_expired(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "DAYS_OF_A_YEAR", 10 / 86_400 / kept.place.years)
    with_a_loss(kept, monkeypatch)
    moved(kept)
    with kept.log.session("owner") as owner:
        last = max(row.retain_until for row in owner.query(LogArchive))
        declaring = "SELECT id FROM evidence WHERE kind = 'log.restored'"
        owner.execute(text(f"DELETE FROM evidence_text WHERE evidence_id IN ({declaring})"))  # noqa: S608  # as set aside
        wait_for(lambda: system_now() > last + timedelta(seconds=1), 60)
        assert declare(owner, kept.place.years, SYSTEM, AUDIT, ("its time", "is over")) == 5
        owner.commit()
        assert remove(owner, kept.place) == 5
        owner.commit()
    kept.log.sequence()
    with kept.log.session("app") as app:
        report = kept.verified(app)
        assert (report.ok, report.lost) == (True, [(OLD, OLD + LOST, OLD + LOST)]), report.first
