"""The sequencer: no gap, no double, nothing lost, whatever the order of commits and whenever it is killed."""

import time
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, Terminal
from audit.actor import HUB
from audit.append import append
from audit.checkpoint import open_checkpoint
from audit.keys import SigningKey
from audit.queries import log_state
from audit.sequence import sequence
from tests.integration.audit.conftest import Log


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


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE log_tile SET hashes = set_byte(hashes, 40, 1 + get_byte(hashes, 40) % 255)", "last checkpoint's root"),
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
