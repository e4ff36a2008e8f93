"""A backup is put back: what happens without the ceremony, in the sequencer itself, and when one person is missing."""

import threading
from dataclasses import replace

from adapters.errors import ShuniuError
from audit.models import LogCheckpoint
from audit.restoration.look import STORE, Seen, note_down, stands_still
from audit.restoration.models import LogRestoration
from audit.sequence import run_forever
from tests.integration.audit.test_restoration import NAMES, REASONS, Backup, backup, put_back
from tests.integration.audit.test_sequence import wait_for

__all__ = ["backup"]


def test_without_the_ceremony_the_witness_refuses_what_follows(backup: Backup) -> None:
    put_back(backup, 20)
    backup.older.write(60)
    assert backup.older.sequence() >= 60, "a sequencer that was made not to look"
    assert backup.site.tend("water", backup.older, again=True) == "BEHIND", "as a worker asks when it starts"
    with backup.older.session("owner") as session:
        session.connection().exec_driver_sql("DELETE FROM log_store")
        session.commit()
    assert backup.site.tend("water", backup.older) == "REFUSED", "and when all of it is submitted, published or not"


def test_the_sequencer_looks_before_it_signs_and_goes_on_by_itself(backup: Backup) -> None:
    size = put_back(backup, 20)
    backup.older.write(3)
    stop = threading.Event()
    away = replace(backup.older.settings, s3_url="http://127.0.0.1:9")
    blind = threading.Thread(target=run_forever, args=(away, stop))
    blind.start()
    blind.join(2)
    stop.set()
    blind.join(30)
    assert backup.sizes() == [size, size], "without the store's word nothing is signed"

    stop.clear()
    sequencer = threading.Thread(target=run_forever, args=(backup.older.settings, stop))
    sequencer.start()
    try:
        wait_for(lambda: found(backup) is not None)
        assert backup.restored(*NAMES, *REASONS).exit_code == 0
        wait_for(lambda: backup.sizes()[0] > size)
    finally:
        stop.set()
        sequencer.join(10)
    assert backup.older.verified().ok


def found(backup: Backup) -> LogRestoration | None:
    with backup.older.session("app") as session:
        return stands_still(session)


def test_a_witness_that_is_wrong_does_not_stop_the_log_for_good(backup: Backup) -> None:
    size = put_back(backup, 20)
    older = backup.older
    with older.session("sequencer") as session:
        assert note_down(session, [Seen("the witness water", 10**14)])
        session.commit()
    assert "are not here" in str(backup.restored(*NAMES, *REASONS).exception)
    assert "the object store has" in str(backup.restored(*NAMES, *REASONS, "--nothing-lost").exception)
    with older.session("app") as session:
        own = session.get_one(LogCheckpoint, size).note
    for name in ("checkpoint", "cosigned"):
        backup.place.write(name, own.encode())
    assert "the witness" in str(backup.restored(*NAMES, *REASONS, "--nothing-lost").exception), "it knows more indeed"
    older.environment["SHUNIU_WITNESSES"] = ""
    alone = backup.restored(*NAMES, *REASONS, "--nothing-lost", passwords=("a first password", "wrong"))
    assert "Login or password is wrong" in str(alone.exception)
    done = backup.restored(*NAMES, *REASONS, "--nothing-lost")
    assert done.exit_code == 0, done.exception
    assert older.sequence() >= 1
    report = older.verified()
    assert (report.ok, report.lost) == (True, []), report.first

    with older.session("sequencer") as session:
        assert note_down(session, [Seen(STORE, 10**14)])
        session.commit()
    assert "declared as lost" in str(backup.restored(*NAMES, *REASONS, "--nothing-lost").exception)


def test_one_person_or_another_history_is_not_enough(backup: Backup) -> None:
    put_back(backup, 20)
    assert backup.restored(*NAMES, *REASONS).exception, "nothing was found yet"
    assert backup.looked()
    for words, passwords, said in (
        (NAMES, ("a first password", "wrong"), "Login or password is wrong"),
        ((*NAMES[:3], "tangjie"), ("a first password",) * 2, "does not hold the role"),
        (("--system-administrator", "hanxue", *NAMES[2:]), ("a third password",) * 2, "does not hold the role"),
    ):
        done = backup.restored(*words, *REASONS, passwords=passwords)
        assert isinstance(done.exception, ShuniuError)
        assert said in str(done.exception)
    backup.place.write("tile/0/001.p/72", b"x" * 72 * 32)
    whole = backup.place.read("checkpoint") or b""
    backup.place.remove("checkpoint")
    assert "are not here" in str(backup.restored(*NAMES, *REASONS).exception)
    backup.place.write("checkpoint", whole)
    for name in list(backup.place.names("tile/0/001")):
        backup.place.write(name, bytes(32) * 300)
    assert "another history" in str(backup.restored(*NAMES, *REASONS).exception)
    assert found(backup) is not None
