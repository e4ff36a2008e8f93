"""A system clock that ran ahead and was set right: nothing is signed meanwhile, and two people let the log go on."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from threading import Event, Thread

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

from adapters.clock import system_now
from adapters.errors import Conflict, NotAllowed, Transient
from adapters.settings import Settings
from audit import sequence
from audit.actor import HUB, Actor
from audit.append import append
from audit.archive import read, write
from audit.correction.declare import declare, ran_ahead
from audit.correction.declared import CORRECTED, TOLERANCE, dating, subject_of
from audit.log_keys import log_keys
from audit.models import Evidence, LogCheckpoint
from audit.queries import log_state
from audit.restoration.look import Seen, note_down
from audit.restoration.mend import declare as mend_declare
from audit.restoration.mend import gap, mend
from audit.stall.models import ONE, LogStall
from audit.store.place import Place
from portal.cli.main import shuniu
from portal.first_people import enter_operator
from tests.integration.audit.conftest import AGENCY, Log
from tests.integration.audit.elsewhere import AUDIT, SYSTEM, foreign, numbered, published
from tests.integration.audit.test_restoration import NAMES, PEOPLE, REASONS

YEAR = timedelta(days=365)
PASSWORDS = "a first password\na third password\n"


@contextmanager
def clock(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> Iterator[None]:
    """While the system clock is wrong by so much."""

    class Wrong:
        @staticmethod
        def now(tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + ahead

    with monkeypatch.context() as turned:
        turned.setattr("adapters.clock.datetime", Wrong)
        yield


@pytest.fixture
def ahead(log: Log, monkeypatch: pytest.MonkeyPatch) -> Log:
    """A log whose last checkpoint was signed while the clock ran a year ahead; it is right again, and entries wait."""
    with log.session("app") as session:
        code = "11319900DM9000001U"
        enter_operator(session, credit_code=code, short_code="JXW", name="经信委", name_en="", administrators=PEOPLE)
        session.commit()
    log.sequence()
    log.write(3)
    with clock(monkeypatch, YEAR):
        log.sequence()
    log.write(2)
    return log


def corrected(log: Log, *words: str) -> Result:
    return CliRunner().invoke(
        shuniu, ["clock-corrected", *(words or (*NAMES, *REASONS))], env=log.environment, input=PASSWORDS
    )


def moments(log: Log) -> list[datetime]:
    with log.session("app") as session:
        return list(session.scalars(select(LogCheckpoint.signed_at).order_by(LogCheckpoint.size)))


def test_nothing_is_signed_while_the_clock_is_behind_the_last_checkpoint(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(1)
    log.sequence()
    log.write(1)
    with clock(monkeypatch, -TOLERANCE - timedelta(seconds=5)):
        with pytest.raises(Transient) as caught:
            log.sequence()
        assert caught.value.code == "evidence.clock_behind"
    assert len(moments(log)) == 1
    assert log.sequence() == 1, "it signs when the clock is right again"
    log.write(1)
    with clock(monkeypatch, timedelta(seconds=5) - TOLERANCE):
        assert log.sequence() == 1, "a clock is set by seconds now and then"
    assert moments(log)[2] == moments(log)[1], "and no checkpoint is dated back by it"
    assert log.verified().ok


def test_two_people_let_the_log_go_on_after_a_clock_that_ran_ahead(ahead: Log) -> None:
    with pytest.raises(Transient, match="shuniu clock-corrected"):
        ahead.sequence()
    with ahead.session("app") as session:
        assert log_state(session).standing.stopped
    told = corrected(ahead)
    assert told.exit_code == 0, told.output
    assert "signed its last checkpoint at" in told.output
    assert ahead.sequence() > 2
    assert [later < earlier for earlier, later in pairwise(moments(ahead))] == [False, True]
    assert moments(ahead)[-1] <= system_now()
    with ahead.session("app") as session:
        assert not log_state(session).standing.late
        said = session.scalars(select(Evidence).where(Evidence.kind == CORRECTED)).one()
        after = json.loads(said.body)["data"]["after"]
        assert said.subject.startswith("log_checkpoint/"), "what it names stays where its text does not"
        people = {str(said.person_id), after["confirmed_by"]}
        assert len(people) == 2
        assert "the disk broke" not in said.body.decode()
    ahead.write(1)
    ahead.sequence()
    assert ahead.verified().ok, ahead.verified().findings
    assert corrected(ahead).exit_code == 1, "the clock is not behind any more"


def test_a_checkpoint_that_is_dated_back_without_two_people_is_a_finding(
    ahead: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a thief of the log's key can do."""
    monkeypatch.setattr(sequence, "dated_back", lambda session, last: True)
    assert ahead.sequence() > 0
    assert ahead.verified().counts == {"checkpoint_dated_back": 1}


def test_one_person_alone_or_another_moment_lets_nothing_go_on(ahead: Log) -> None:
    with ahead.session("app") as session:
        alone = Actor(person_id=uuid.uuid4(), agency_code=AGENCY, name="张三")
        with pytest.raises(NotAllowed, match="Two different people"):
            declare(session, alone, alone, ("a", "b"))
        last = ran_ahead(session)
        named = subject_of(dating(last.size, last.signed_at))
        append(session, CORRECTED, named, alone, after={"confirmed_by": str(alone.person_id)})
        append(session, CORRECTED, "log/1", alone, after={"confirmed_by": str(uuid.uuid4())})
        append(session, CORRECTED, named, HUB, after={"confirmed_by": str(uuid.uuid4())})
        session.commit()
    with pytest.raises(Transient):
        ahead.sequence()
    assert corrected(ahead).exit_code == 0
    with ahead.session("owner") as session:
        session.execute(text("UPDATE log_checkpoint SET signed_at = signed_at + interval '1 hour' WHERE size > 5"))
        session.commit()
    with pytest.raises(Transient):
        ahead.sequence()


def test_the_clock_must_be_behind(log: Log) -> None:
    log.write(1)
    log.sequence()
    with log.session("app") as session, pytest.raises(Conflict):
        declare(session, None, None, ("", ""))  # type: ignore[arg-type]  # refused before anybody is asked for


def test_what_two_people_declared_stands_when_the_text_is_archived_and_out_of_reach(
    ahead: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert corrected(ahead).exit_code == 0
    ahead.sequence()
    place = Place.of(ahead.settings)
    place.ensure()
    with ahead.session("owner") as owner:
        assert write.archive_next(owner, place, HUB, ahead.settings.log_origin, system_now() + YEAR)
        owner.execute(
            text("DELETE FROM evidence_text USING log_leaf WHERE log_leaf.evidence_id = evidence_text.evidence_id")
        )
        owner.commit()
    ahead.sequence()
    monkeypatch.setattr(read, "_site", [])
    assert ahead.verified().ok, ahead.verified().findings
    read.configure(replace(ahead.settings, s3_url="http://127.0.0.1:9"))
    assert ahead.verified().ok, ahead.verified().findings
    read.configure(ahead.settings)
    assert ahead.verified().ok, ahead.verified().findings


def taken_over(log: Log, files: dict[str, bytes], leaves: list[bytes]) -> None:
    """A backup was put back, and the log goes on from the checkpoint that others have seen."""
    with log.session("owner") as owner:
        assert note_down(owner, [Seen("a test", len(leaves))])
        found = gap(owner, files.get, log_keys(log.settings))
        mend(owner, files.get, found, mend_declare(owner, found, SYSTEM, AUDIT, ("the disk broke", "it is whole")).id)
        owner.commit()


def seen_by_others(log: Log) -> list[bytes]:
    """The leaves of the log as others have seen it: five more than this database has."""
    with log.session("owner") as owner:
        return numbered(owner) + foreign(5)


def test_a_checkpoint_that_was_taken_over_from_a_clock_that_ran_ahead_is_declared_as_any_other(log: Log) -> None:
    with log.session("app") as session:
        code = "11319900DM9000001U"
        enter_operator(session, credit_code=code, short_code="JXW", name="经信委", name_en="", administrators=PEOPLE)
        session.commit()
    log.sequence()
    leaves = seen_by_others(log)
    taken_over(log, published(log, leaves, int((system_now() + YEAR).timestamp())), leaves)
    assert log.verified().ok, log.verified().findings
    with pytest.raises(Transient, match="shuniu clock-corrected"):
        log.sequence()
    assert corrected(log).exit_code == 0
    assert log.sequence() > 0
    assert moments(log)[-1] <= system_now()
    assert log.verified().ok, log.verified().findings


def test_a_correction_that_was_lost_with_the_backup_needs_no_second_one(ahead: Log) -> None:
    leaves = seen_by_others(ahead)
    taken_over(ahead, published(ahead, leaves, int(system_now().timestamp())), leaves)
    assert ahead.sequence() > 0
    assert [later < earlier for earlier, later in pairwise(moments(ahead))] == [False, True, False]
    assert ahead.verified().ok, ahead.verified().findings


def test_while_the_clock_is_behind_the_sequencer_says_so_once_and_asks_nobody_again(
    ahead: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Place.of(ahead.settings).ensure()
    look, said, tried = sequence._look, sequence._write_down, Event()
    asked: list[bool] = []
    tries: list[datetime | None] = []

    def looked(settings: Settings) -> bool:
        asked.append(look(settings))
        return asked[-1]

    def write_down(settings: Settings, error: Exception) -> None:
        said(settings, error)
        with ahead.session("app") as session:
            tries.append(session.get_one(LogStall, ONE).problem_since)
        if len(tries) == 4:
            tried.set()

    monkeypatch.setattr(sequence, "LONGEST_PAUSE", 1.1)
    monkeypatch.setattr(sequence, "_look", looked)
    monkeypatch.setattr(sequence, "_write_down", write_down)
    stop = Event()
    thread = Thread(target=sequence.run_forever, args=(ahead.settings, stop))
    thread.start()
    try:
        assert tried.wait(30)
    finally:
        stop.set()
        thread.join()
    told = [each for each in caplog.records if each.name == sequence.__name__]
    assert [(each.levelname, bool(each.exc_info)) for each in told] == [("WARNING", False)]
    assert "shuniu clock-corrected" in told[0].getMessage()
    assert len(asked) == 1
    assert len(set(tries)) == 1, "and it is one problem since its first moment"
