"""Proofs, the auditor's reading, reconcilers and the command, over a real log."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, InvalidInput, NotFound
from adapters.work import Runner, Work, WorkState, enqueue, fail
from audit.actor import HUB, Actor
from audit.append import append
from audit.log_keys import LogKeys, promise_signer
from audit.models import Evidence
from audit.proof import Proof, check, prove, prove_all
from audit.queries import entry, entry_at, indices, log_state, personal, timeline
from audit.reconcile import Discrepancy, entries_have_rows, rows_have_entries, states_follow_entries
from audit.search import Search, search
from audit.verify import verify_log
from portal.cli.audit import command
from portal.pages.auditor_desk import refusals_since
from tests.integration.audit.conftest import AGENCY, Log

AUDITOR = Actor(person_id=uuid.uuid4(), agency_code=AGENCY, name="李四")


@pytest.fixture
def app(long_log: Log) -> Iterator[Session]:
    with long_log.session("app") as session:
        yield session


def shuniu(log: Log, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, env=log.environment)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 599])
def test_a_proof_holds_for_its_entry_and_no_other(long_log: Log, app: Session, index: int) -> None:
    proof = Proof.parse(str(prove(app, index)))
    body = entry_at(app, index).row.body
    checkpoint = check(proof, body, LogKeys(long_log.key.verifier))
    assert checkpoint.size == 600
    with pytest.raises(InvalidInput, match=f"entry {index} of the log is another"):
        check(proof, body + b" ", LogKeys(long_log.key.verifier))
    moved = Proof(index ^ 1, proof.path, proof.checkpoint)
    with pytest.raises(InvalidInput):
        check(moved, body, LogKeys(long_log.key.verifier))


def test_there_is_no_proof_for_what_is_not_numbered(app: Session) -> None:
    for index in (600, 2**62):
        with pytest.raises(NotFound, match="the last checkpoint is of 600 entries"):
            prove(app, index)


def test_a_search_pages_through_everything_once_newest_first(app: Session) -> None:
    seen: list[Evidence] = []
    cursor: str | None = ""
    while cursor is not None:
        page = search(app, Search(kind="test.written"), cursor, 200)
        seen += page.items
        cursor = page.next_cursor
    assert len({found.id for found in seen}) == len(seen) == 603
    assert [found.recorded_at for found in seen] == sorted((found.recorded_at for found in seen), reverse=True)
    known = indices(app, seen)
    assert sorted(known.values()) == list(range(600))
    assert seen[0].id not in known


def test_refusals_are_counted_by_an_index_of_their_own(long_log: Log) -> None:
    with long_log.session("owner") as session:
        append(session, "test.written", "test/1", AUDITOR, outcome="REFUSED")
        session.execute(text("ANALYZE evidence"))
        asked: list[tuple[str, Any]] = []
        bind = session.connection()
        event.listen(bind, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        assert refusals_since(session, system_now() - timedelta(days=1)) == 1
        statement, values = asked[0]
        plan = bind.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
    assert "ix_evidence_not_done" in "".join(plan)


def test_each_condition_of_a_search_restricts(log: Log) -> None:
    person, matter = uuid.uuid4(), f"application/{uuid.uuid4()}"
    with log.session("app") as session:
        for number in range(3):
            append(session, "test.other", f"test/{number}", HUB, outcome="REFUSED" if number else "DONE")
        wanted = append(
            session, "application.submitted", "application/1", Actor(person_id=person, agency_code="X"), matter=matter
        )
        moment = wanted.recorded_at

        def count(**conditions: object) -> int:
            return len(search(session, Search(**conditions)).items)  # type: ignore[arg-type]  # fields by name

        assert (count(), count(kind="test.other"), count(kind="test."), count(kind="application.")) == (4, 3, 3, 1)
        assert (count(kind="test"), count(kind="te%."), count(outcome="REFUSED")) == (0, 0, 2)
        assert (count(person_id=person), count(agency_code="X"), count(matter=matter), count(subject="test/1")) == (
            1,
            1,
            1,
            1,
        )
        assert (count(since=moment), count(until=moment), count(since=moment + timedelta(seconds=1))) == (1, 3, 0)
        assert [found.kind for found in timeline(session, matter)] == ["application.submitted"]
        assert timeline(session, "") == []


def test_an_entry_reads_back_in_full(app: Session) -> None:
    found = entry_at(app, 7)
    assert entry(app, found.row.id).index == 7
    assert found.envelope["data"]["after"] == {"number": 7}
    assert found.has_personal
    assert not entry_at(app, 8).has_personal
    with pytest.raises(NotFound):
        entry(app, uuid.uuid4())
    with pytest.raises(NotFound):
        entry_at(app, 10_000)


def test_who_opens_personal_details_is_recorded_and_erased_ones_stay_closed(long_log: Log) -> None:
    with long_log.session("owner") as session:
        seen = entry_at(session, 7).row
        assert personal(session, AUDITOR, seen.id, "complaint 12") == {"name": "张三"}
        record = session.scalars(select(Evidence).where(Evidence.kind == "evidence.personal_viewed")).one()
        assert (record.subject, record.person_id) == (f"evidence/{seen.id}", AUDITOR.person_id)
        assert b"complaint 12" not in record.body
        assert personal(session, AUDITOR, record.id)["reason"] == "complaint 12"
        assert "张三".encode() not in record.body
        session.execute(
            text("UPDATE evidence_personal SET wrapped_key = NULL WHERE evidence_id = :id"), {"id": seen.id}
        )
        session.expire_all()
        with pytest.raises(Conflict, match="destroyed"):
            personal(session, AUDITOR, seen.id)
        with pytest.raises(NotFound):
            personal(session, AUDITOR, entry_at(session, 8).row.id)
        session.execute(text("UPDATE evidence_text SET ciphertext = ciphertext || 'x'::bytea"))
        session.expire_all()
        with pytest.raises(Conflict, match="cannot be opened"):
            personal(session, AUDITOR, entry_at(session, 9).row.id)


def discrepancies(session: Session) -> list[Discrepancy]:
    """Work rows compared with evidence of them."""
    states = {"work.queued": WorkState.WAITING, "work.ended": WorkState.FAILED}
    made = [
        rows_have_entries("work", Work.id, ["work.queued"], Work.kind == "proved"),
        entries_have_rows("work", Work.id, ["work.queued", "work.ended"]),
        states_follow_entries("work", Work.id, Work.state, states, Work.kind == "proved"),
    ]
    return list(chain.from_iterable(reconcile(session) for reconcile in made))


def test_reconcilers_find_rows_without_entries_and_entries_without_rows(log: Log) -> None:
    with log.session("app") as session:
        enqueue(session, "unproved", Runner.WORKER, {})
        work = enqueue(session, "proved", Runner.WORKER, {})
        name = f"work/{work.id}"
        assert [(found.subject, found.expected, found.found) for found in discrepancies(session)] == [
            (name, "", "row"),
            (name, "", "WAITING"),
        ]
        append(session, "work.queued", name, HUB, outcome="REFUSED")
        assert len(discrepancies(session)) == 2, "a refusal records no deed"
        append(session, "work.queued", name, HUB)
        assert discrepancies(session) == []
        fail(session, work, "broken", retry_may_help=False)
        assert [found.sentence for found in discrepancies(session)] == [
            f"{name} is FAILED in the table, and WAITING by its last entry."
        ]
        append(session, "work.ended", name, HUB)
        assert discrepancies(session) == []
        session.execute(text("DELETE FROM work WHERE kind = 'proved'"))
        assert [found.expected for found in discrepancies(session)] == ["work.queued", "work.ended"]
        report = verify_log(
            session, log.key.verifier, log.settings.log_origin, {"work": lambda session: iter(discrepancies(session))}
        )
        assert (report.reconciled, report.counts) == ({"work": 2}, {"reconcile.work": 2})


def test_the_command_says_whole_or_what_is_wrong(log: Log) -> None:
    log.write(4)
    log.sequence()
    whole = shuniu(log, "verify")
    assert whole.exit_code == 0, whole.output
    assert "4 entries, 1 checkpoints (1 with ML-DSA-44 too), 0 waiting" in whole.output
    assert "The log is whole." in whole.output
    with log.session("owner") as owner:
        owner.execute(text("UPDATE evidence SET outcome = 'FAILED' WHERE subject = 'test/2'"))
        owner.commit()
    broken = shuniu(log, "verify")
    assert broken.exit_code == 1
    assert "THE LOG IS NOT WHOLE" in broken.output
    assert "column outcome" in broken.output
    report = json.loads(shuniu(log, "verify", "--json").output)
    assert (report["ok"], report["entries"], report["findings"][0]["index"]) == (False, 4, 2)


def test_the_command_refuses_a_log_that_was_cut_back(log: Log, tmp_path: Path) -> None:
    log.write(2)
    log.sequence(1)
    with log.session("app") as session:
        (tmp_path / "kept").write_text(log_state(session).checkpoint, encoding="utf-8")
    log.sequence(1)
    assert shuniu(log, "verify", "--kept", str(tmp_path / "kept")).exit_code == 0
    other = shuniu(log, "verify", "--key", str(log.key.verifier).replace("+", "+0", 1))
    assert isinstance(other.exception, InvalidInput)


def test_the_command_proves_and_checks_without_the_hub(long_log: Log, tmp_path: Path) -> None:
    key = shuniu(long_log, "key").output.strip()
    promises = promise_signer(long_log.settings).verifier
    assert key.split() == [str(long_log.key.verifier), str(long_log.key.second.verifier), str(promises)]
    assert shuniu(long_log, "proof", "42").output.startswith("c2sp.org/tlog-proof@v1\nindex 42\n")
    written = shuniu(long_log, "proof", "42", "--out", str(tmp_path))
    assert written.exit_code == 0, written.output
    files = [str(tmp_path / "42.tlog-proof"), str(tmp_path / "42.json")]
    alone = CliRunner().invoke(command, ["check", *files, "--key", key], env={})
    assert alone.output == f"Entry 42 is in the log {long_log.settings.log_origin} of 600 entries.\n"
    (tmp_path / "keys.txt").write_text(f"{key}\n")
    kept = CliRunner().invoke(command, ["check", *files, "--key", str(tmp_path / "keys.txt")], env={})
    assert kept.output == alone.output
    (tmp_path / "42.json").write_bytes(b"{}")
    assert isinstance(shuniu(long_log, "check", *files).exception, InvalidInput)
    state = shuniu(long_log, "state")
    assert "600 entries are in the log." in state.output
    assert "3 entries wait to be numbered, the oldest for" in state.output
    assert json.loads(shuniu(long_log, "state", "--json").output)["size"] == 600


@pytest.mark.parametrize(
    "falsify",
    [
        "DELETE FROM log_tile WHERE level = 0 AND number = 1",
        "UPDATE log_tile SET hashes = substr(hashes, 1, 320) WHERE level = 0 AND number = 1",
    ],
)
def test_a_missing_tile_is_said_with_what_to_do(long_log: Log, falsify: str) -> None:
    with long_log.session("owner") as owner:
        owner.execute(text(falsify))
        with pytest.raises(Conflict, match="shuniu audit verify"):
            prove_all(owner, [3, 300])
