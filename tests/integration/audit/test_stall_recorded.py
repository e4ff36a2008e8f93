"""What entries say when deliveries stop and go on, and how the sequencer's problem is written down."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Terminal, Transient
from audit import standing
from audit.models import Evidence, EvidenceText
from audit.restoration.look import Seen, note_down
from audit.restoration.models import LogRestoration
from audit.stall.models import ONE, LogStall
from audit.stall.problem import clear, put_down
from audit.stall.record import record_stall
from audit.standing import LOOK_AGAIN, require_flow
from tests.integration.audit.conftest import ROLES, Log


@pytest.fixture(autouse=True)
def _grace() -> Iterator[None]:
    standing.configure(600)
    yield
    standing.configure(600)


def look(log: Log) -> int:
    with transaction(log.environment[ROLES["app"]]) as session:
        return record_stall(session)


def row(log: Log) -> LogStall:
    with log.session("app") as session:
        return session.get_one(LogStall, ONE)


def told(log: Log, kind: str, part: str) -> dict[str, Any]:
    """What the only entry of a kind says of before or after."""
    with log.session("app") as session:
        bodies = select(EvidenceText.body).join(Evidence, Evidence.id == EvidenceText.evidence_id)
        said: dict[str, Any] = orjson.loads(session.scalars(bodies.where(Evidence.kind == kind)).one())["data"][part]
    return said


def test_the_entries_say_how_far_behind_and_since_when(log: Log) -> None:
    log.write(1)
    with log.session("owner") as owner:
        owner.connection().exec_driver_sql("UPDATE evidence_queue SET queued_at = now() - interval '11 minutes'")
        owner.commit()
    standing.configure(700)
    assert look(log) == 0, "within the grace"
    standing.configure(600)
    with log.session("sequencer") as session:
        put_down(session, Terminal("x", "The disk is full."))
        session.commit()
    assert (look(log), look(log)) == (1, 0)
    stopped_at = row(log).stopped_at
    assert stopped_at is not None
    assert abs(stopped_at - system_now()) < timedelta(minutes=1)
    after = told(log, "delivery.stopped", "after")
    assert 659 <= after.pop("behind_seconds") < 720
    assert after == {"grace_seconds": 600, "problem": "The disk is full.", "stands_still": False}
    log.sequence()
    assert (look(log), look(log)) == (1, 0)
    assert told(log, "delivery.resumed", "before") == {"stopped_at": stopped_at.isoformat()}
    assert row(log).stopped_at is None


def test_a_database_that_is_older_than_its_log_stops_deliveries_and_that_is_recorded(log: Log) -> None:
    log.write(1)
    log.sequence()
    with log.session("sequencer") as session:
        assert note_down(session, [Seen("a test", 5)])
        session.commit()
    with log.session("app") as session, pytest.raises(Transient) as caught:
        require_flow(session)
    assert caught.value.code == "evidence.stands_still"
    assert (look(log), look(log)) == (1, 0)
    assert told(log, "delivery.stopped", "after")["stands_still"] is True
    with log.session("owner") as owner:
        entry = owner.scalars(select(Evidence.id).limit(1)).one()
        owner.execute(update(LogRestoration).values(done_at=system_now(), evidence_id=entry))
        owner.commit()
    assert (look(log), look(log)) == (1, 0)
    with log.session("app") as session:
        require_flow(session)


def test_what_a_process_saw_it_trusts_for_a_second_and_no_longer(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [1_000.0]
    monkeypatch.setattr("audit.standing.time.monotonic", lambda: moment[0])
    with log.session("app") as session:
        require_flow(session)
        log.write(1)
        session.rollback()
        standing.configure(0)
        moment[0] += LOOK_AGAIN
        require_flow(session)
        moment[0] += 0.01
        with pytest.raises(Transient) as caught:
            require_flow(session)
    assert caught.value.code == "evidence.stalled"


def test_the_sequencers_problem_keeps_its_moment_while_it_stays_the_same(log: Log) -> None:
    def said(error: Exception | None) -> LogStall:
        with log.session("sequencer") as session:
            put_down(session, error) if error else clear(session)
            session.commit()
        return row(log)

    first = said(Terminal("x", "The disk is full."))
    assert first.problem == "The disk is full."
    assert first.problem_since is not None
    assert said(Terminal("x", "The disk is full.")).problem_since == first.problem_since
    other = said(KeyError("secret"))
    assert other.problem == "Evidence could not be sequenced (KeyError)."
    assert other.problem_since is not None
    assert other.problem_since > first.problem_since
    assert (said(None).problem, row(log).problem_since) == ("", None)
