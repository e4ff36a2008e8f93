"""The sequencer: no gap, no double, nothing lost, whatever the order of commits and whenever it is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import InvalidInput, Terminal
from audit.actor import HUB
from audit.append import append
from audit.checkpoint import open_checkpoint
from audit.keys import SigningKey
from audit.queries import log_state
from audit.sequence import run_forever, sequence
from tests.integration.audit.conftest import Log

PROGRAM = """
import sys, threading
from adapters.settings import Settings
import audit.sequence
audit.sequence.BATCH = 7
audit.sequence.sequence.__defaults__ = (7,)
audit.sequence.run_forever(Settings.load(), threading.Event())
"""
ROOT = Path(__file__).parents[3]


def started(log: Log) -> subprocess.Popen[bytes]:
    """A sequencer in a process of its own, in batches of 7."""
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=os.environ | log.environment, cwd=ROOT)


def has_size(session: Session, size: int) -> bool:
    return log_state(session).size == size


def killed(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def numbers(session: Session) -> list[tuple[int, uuid.UUID]]:
    return [tuple(row) for row in session.execute(text("SELECT * FROM log_leaf ORDER BY leaf_index"))]


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_entries_are_numbered_in_order_and_signed_for(log: Log) -> None:
    assert log.sequence() == 0
    ids = log.write(10)
    assert (log.sequence(4), log.sequence(4), log.sequence(4), log.sequence(4)) == (4, 4, 2, 0)
    with log.session("app") as session:
        assert numbers(session) == list(enumerate(ids))
        notes = session.scalars(text("SELECT note FROM log_checkpoint ORDER BY size")).all()
        state = log_state(session)
    opened = [open_checkpoint(note, log.key.verifier, log.settings.log_origin) for note in notes]
    assert [checkpoint.size for checkpoint in opened] == [4, 8, 10]
    assert (state.size, state.waiting, state.oldest_waiting, state.checkpoint) == (10, 0, None, notes[-1])
    assert log.verified().ok


def test_transactions_that_commit_out_of_order_are_all_numbered(log: Log) -> None:
    with log.session("app") as early, log.session("app") as late:
        first = append(early, "test.written", "test/early", HUB).id
        second = append(late, "test.written", "test/late", HUB).id
        late.commit()
        assert log.sequence() == 1
        early.commit()
        assert log.sequence() == 1
    with log.session("app") as session:
        assert [name for _, name in numbers(session)] == [second, first]
    assert log.verified().ok


def test_a_transaction_that_rolls_back_leaves_nothing(log: Log) -> None:
    with log.session("app") as session:
        append(session, "test.written", "test/never", HUB)
        session.rollback()
    assert log.sequence() == 0
    assert log.verified().entries == 0


def test_a_batch_that_is_not_committed_leaves_everything_as_it_was(log: Log) -> None:
    log.write(5)
    with log.session("sequencer") as session:
        assert sequence(session, log.key, log.settings.log_origin) == 5
        session.rollback()
    with log.session("app") as session:
        assert numbers(session) == []
    assert log.sequence() == 5
    assert log.verified().ok


def test_one_sequencer_works_at_a_time_and_verification_holds_it(log: Log) -> None:
    log.write(3)
    with log.session("sequencer") as session:
        assert sequence(session, log.key, log.settings.log_origin, 1) == 1
        assert log.sequence() == 0, "the other one is at work"
    assert log.sequence(1) == 1
    with log.session("app") as session:
        assert log.verify(session).ok
        assert log.sequence() == 0, "verification reads without a snapshot"
    assert log.sequence() == 2


def test_verification_of_a_snapshot_does_not_hold_the_sequencer(log: Log) -> None:
    log.write(3)
    log.sequence(2)
    with log.session("app") as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        assert log.verify(session).entries == 2
        assert log.sequence() == 1
        report = log.verify(session)
        assert (report.ok, report.entries, report.waiting) == (True, 2, 1)


def test_a_numbered_entry_put_back_into_the_queue_is_not_numbered_again(log: Log) -> None:
    first = log.write(1)[0]
    log.sequence()
    with log.session("app") as session:
        session.execute(text("INSERT INTO evidence_queue VALUES (:id, now())"), {"id": first})
        session.commit()
    assert log.sequence() == 1
    log.write(1)
    assert log.sequence() == 1
    report = log.verified()
    assert (report.ok, report.entries, report.waiting) == (True, 2, 0)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE log_tile SET hashes = set_byte(hashes, 40, 1 + get_byte(hashes, 40) % 255)", "last checkpoint's root"),
        ("UPDATE log_tile SET hashes = substr(hashes, 1, 64)", "does not reach hash"),
        ("DELETE FROM log_tile", "tile/0/000"),
        ("DELETE FROM log_leaf WHERE leaf_index = 2", "numbered up to 1"),
        ("DELETE FROM log_checkpoint", "the last checkpoint is of 0 entries"),
    ],
)
def test_nothing_is_signed_on_top_of_a_log_that_was_changed(log: Log, statement: str, reason: str) -> None:
    log.write(3)
    log.sequence()
    with log.session("owner") as session:
        session.execute(text(statement))
        session.commit()
    log.write(1)
    with pytest.raises(Terminal, match=reason):
        log.sequence()
    with log.session("app") as session:
        assert log_state(session).waiting == 1


def test_another_key_does_not_go_on_with_the_log(log: Log) -> None:
    log.write(1)
    log.sequence()
    log.write(1)
    other = SigningKey(log.settings.log_origin, bytes(32))
    with log.session("sequencer") as session, pytest.raises(InvalidInput, match="not signed by the key"):
        sequence(session, other, log.settings.log_origin)


def test_the_loop_numbers_an_entry_within_a_second_and_outlives_errors(log: Log) -> None:
    stop = threading.Event()
    loop = threading.Thread(target=run_forever, args=(log.settings, stop))
    with log.session("owner") as owner:
        owner.execute(text("ALTER TABLE log_leaf RENAME TO elsewhere"))
        owner.commit()
        loop.start()
        log.write(1)
        time.sleep(0.5)
        owner.execute(text("ALTER TABLE elsewhere RENAME TO log_leaf"))
        owner.commit()
    try:
        with log.session("app") as session:
            session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            wait_for(lambda: log_state(session).size == 1)
            waits = []
            for size in range(2, 7):
                written = system_now()
                log.write(1)
                wait_for(partial(has_size, session, size))
                signed = log_state(session).signed_at
                assert signed is not None
                waits.append((signed - written).total_seconds())
    finally:
        stop.set()
        loop.join(10)
    assert not loop.is_alive()
    assert sorted(waits)[len(waits) // 2] < 1.0, waits
    assert log.verified().ok


def test_a_sequencer_killed_within_a_batch_leaves_nothing_half_done(log: Log) -> None:
    log.write(20)
    with log.session("owner") as owner:
        owner.execute(text("LOCK TABLE log_checkpoint IN EXCLUSIVE MODE"))
        process = started(log)
        try:
            blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'log_checkpoint'::regclass")
            wait_for(lambda: owner.scalar(blocked))
        finally:
            killed(process)
    wait_for(lambda: log.sequence() > 0)
    while log.sequence():
        pass
    report = log.verified()
    assert (report.ok, report.entries, report.waiting) == (True, 20, 0)


def test_kills_at_any_moment_lose_double_and_reorder_nothing(log: Log) -> None:
    random = Random(2016)
    ids: list[uuid.UUID] = []
    for _ in range(4):
        process = started(log)
        try:
            deadline = time.monotonic() + 0.9 + random.random() * 0.6
            while time.monotonic() < deadline:
                ids += log.write(random.randrange(1, 30))
        finally:
            killed(process)
    process = started(log)
    try:
        with log.session("app") as session:
            session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            wait_for(lambda: log_state(session).waiting == 0, 60)
    finally:
        killed(process)
    with log.session("app") as session:
        leaves = numbers(session)
        assert [index for index, _ in leaves] == list(range(len(ids)))
        assert [name for _, name in leaves] == ids
        assert session.scalars(text("SELECT count(*) FROM log_checkpoint")).one() > 5
    report = log.verified()
    assert (report.ok, report.entries) == (True, len(ids))


def test_without_a_number_nothing_is_deleted_from_the_queue(log: Log) -> None:
    log.write(2)
    with log.session("owner") as owner:
        owner.execute(text("ALTER TABLE log_checkpoint ADD CONSTRAINT never CHECK (false)"))
        owner.commit()
    with pytest.raises(SQLAlchemyError):
        log.sequence()
    with log.session("app") as session:
        assert log_state(session).waiting == 2
