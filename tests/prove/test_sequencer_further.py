"""The sequencer killed at any moment, standing still, and beside others: no gap, no double, nothing lost."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from functools import partial
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.queries import log_state
from audit.sequence import run_forever
from tests.integration.audit import test_sequence as small
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_sequence import numbers, wait_for

PROGRAM = """
import sys, threading
from adapters.settings import Settings
import audit.sequence
audit.sequence.BATCH = 7
audit.sequence.sequence.__defaults__ = (7,)
audit.sequence.run_forever(Settings.load(), threading.Event())
"""


ROOT = Path(__file__).parents[2]


def started(log: Log) -> subprocess.Popen[bytes]:
    """A sequencer in a process of its own, in batches of 7."""
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=os.environ | log.environment, cwd=ROOT)


def has_size(session: Session, size: int) -> bool:
    return log_state(session).size == size


def killed(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE log_tile SET hashes = substr(hashes, 1, 64)", "does not reach hash"),
        ("DELETE FROM log_tile", "tile/0/000"),
        ("DELETE FROM log_leaf WHERE leaf_index = 2", "2 entries are numbered"),
        ("DELETE FROM log_checkpoint", "the last checkpoint is of 0 entries"),
    ],
)
def test_nothing_is_signed_on_top_of_a_log_that_was_changed(log: Log, statement: str, reason: str) -> None:
    small.test_nothing_is_signed_on_top_of_a_log_that_was_changed(log, statement, reason)


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
