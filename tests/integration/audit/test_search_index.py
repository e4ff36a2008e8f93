"""The searches' index finds what reading every entry finds, page by page, and what it does not know yet too."""

import logging
import random
import threading
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session, defer

from adapters.errors import Transient
from adapters.services.databases import connect
from audit import search as searches
from audit.models import Evidence, LogLeaf
from audit.search import Search, search
from audit.search_index import build
from audit.search_index.build import index_next
from audit.search_index.models import EvidencePosting, EvidenceStep
from audit.search_index.run import index_forever
from audit.search_index.terms import STEP
from audit.sequence import run_forever
from tests.integration.audit.conftest import Log
from tests.prove.entries import BEGINS, fill, grant_about, known, resource_about

ENTRIES = 2 * STEP + 300
SEARCHES = 30
PAGE = 37
FIELDS = ("kind", "outcome", "agency_code", "person_id", "subject", "matter", "resource", "grant", "since", "until")


@pytest.fixture
def filled(log: Log, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Two steps that are put together, and a part of a third."""
    monkeypatch.setattr(build, "RUN", 2)
    with connect(log.environment["SHUNIU_DATABASE_URL"]) as connection:
        fill(connection, ENTRIES)
        # Transactions that took long: a few entries of every step were written before those of earlier steps.
        connection.execute(
            "UPDATE evidence SET recorded_at = recorded_at - interval '500 days' WHERE id IN"
            " (SELECT evidence_id FROM log_leaf WHERE leaf_index % 50 = 7)"
        )
    with log.session("sequencer") as session:
        assert [index_next(session), index_next(session), index_next(session)] == [True, True, False]
        session.commit()
    return log


def everything(session: Session) -> list[Evidence]:
    newest = (Evidence.recorded_at.desc(), Evidence.id.desc())
    return list(session.scalars(select(Evidence).options(defer(Evidence.body)).order_by(*newest)))


def fits(each: Evidence, wanted: dict[str, Any]) -> bool:
    for field, value in wanted.items():
        if field == "kind" and value.endswith("."):
            met = each.kind.startswith(value)
        elif field in {"resource", "grant"}:
            met = is_about(each, value, {"resource": "resource_code", "grant": "grant_number"}[field])
        elif field in {"since", "until"}:
            met = each.recorded_at >= value if field == "since" else each.recorded_at < value
        else:
            met = getattr(each, field) == value
        if not met:
            return False
    return True


def is_about(each: Evidence, about: Any, column: str) -> bool:
    name = getattr(each, column)
    if name:
        return name in about.names
    return each.subject in about.subjects or (each.resource_code == "" and each.matter in about.matters)


def of_entry(entry: Evidence, chance: random.Random) -> dict[str, Any]:
    """A search that finds at least this entry."""
    values = {
        "kind": chance.choice([entry.kind, entry.kind.partition(".")[0] + "."]),
        "since": entry.recorded_at - timedelta(days=chance.choice([0, 1, 200])),
        "until": entry.recorded_at + timedelta(days=chance.choice([1, 400])),
        "resource": resource_about(int(entry.resource_code[9:])) if entry.resource_code else None,
        "grant": grant_about(int(entry.grant_number[6:])) if entry.grant_number else None,
    }
    asked = chance.sample(FIELDS, chance.choice([1, 2, 2, 3, 4]))
    wanted = {name: values[name] if name in values else getattr(entry, name) for name in asked}
    return {name: value for name, value in wanted.items() if value}


def pages(session: Session, wanted: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = search(session, Search(**wanted), cursor, PAGE)
        found += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None or len(found) >= 4 * PAGE:
            return found


def test_any_conditions_together_are_met(filled: Log) -> None:
    chance = random.Random(11)  # noqa: S311  # which searches are made
    with filled.session("app") as session:
        entries = everything(session)
        asked = [of_entry(each, chance) for each in chance.sample(entries, SEARCHES)]
        asked += [{"resource": each} for each in known().resources[:2]] + [{"grant": known().grants[1]}]
        asked += [{"kind": "release.", "person_id": known().people[4]}, {"kind": "nobody.", "outcome": "DONE"}]
        begins = select(Evidence.recorded_at).join(LogLeaf, LogLeaf.evidence_id == Evidence.id)
        second = session.execute(begins.where(LogLeaf.leaf_index == STEP)).scalar_one()
        asked += [{"outcome": "DONE", "until": second + timedelta(days=2)}]
        for wanted in asked:
            right = [each.id for each in entries if fits(each, wanted)]
            assert pages(session, wanted) == right[: 4 * PAGE], wanted


def test_what_is_put_together_is_one_row_for_each_term(filled: Log) -> None:
    with filled.session("app") as session:
        parts = session.execute(select(EvidencePosting.part, func.count()).group_by(EvidencePosting.part)).all()
        assert [row.part for row in parts] == [64]
        assert session.scalar(select(func.max(EvidenceStep.end_index))) == 2 * STEP


def test_what_the_index_makes_up_is_not_shown(filled: Log) -> None:
    with filled.session("owner") as session:
        indexed = session.scalar(select(func.max(EvidenceStep.newest)))
        wanted: dict[str, Any] = {"agency_code": known().agencies[0], "outcome": "DONE", "until": indexed}
        right = pages(session, wanted)
        session.get_one(Evidence, right[0]).agency_code = "ANOTHER"
        session.flush()
        found = search(session, Search(**wanted), limit=PAGE)
        assert [each.id for each in found.items] == right[1:PAGE]
        session.execute(delete(EvidenceStep))
        assert right[1] in pages(session, wanted)


def test_a_search_waits_for_the_index_where_too_much_is_lacking(filled: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST_BEHIND", 200)
    with filled.session("app") as session, pytest.raises(Transient, match="is being indexed for searches"):
        search(session, Search(outcome="DONE", kind="release."))


def test_a_search_says_so_where_the_log_stands_still(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST_BEHIND", 2)
    log.write(3)
    with log.session("app") as session, pytest.raises(Transient, match="wait to be numbered"):
        search(session, Search(outcome="DONE"))


def test_numbering_does_not_wait_for_the_index(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    runners = [threading.Thread(target=each, args=(log.settings, stop)) for each in (run_forever, index_forever)]
    with log.session("owner") as owner, caplog.at_level(logging.ERROR):
        owner.execute(text("LOCK TABLE evidence_step IN ACCESS EXCLUSIVE MODE"))
        for runner in runners:
            runner.start()
        try:
            for size in (1, 2, 3):
                log.write(1)
                wait_for(partial(is_numbered, log, size))
            wait_for(lambda: "Evidence could not be indexed for searches; trying again." in caplog.messages)
        finally:
            stop.set()
            owner.rollback()
            for runner in runners:
                runner.join(10)
    assert not any(runner.is_alive() for runner in runners)


def is_numbered(log: Log, size: int) -> bool:
    with log.session("app") as session:
        return session.scalar(select(func.count()).select_from(LogLeaf)) == size


def wait_for(what: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_an_entry_that_is_gone_does_not_stop_the_index(log: Log) -> None:
    with connect(log.environment["SHUNIU_DATABASE_URL"]) as connection:
        fill(connection, STEP + 10)
        connection.execute("ALTER TABLE log_leaf DROP CONSTRAINT fk_log_leaf_evidence_id")
        connection.execute("DELETE FROM evidence WHERE id = (SELECT evidence_id FROM log_leaf WHERE leaf_index = 100)")
    with log.session("sequencer") as session:
        assert [index_next(session), index_next(session)] == [True, False]
        assert session.scalar(select(EvidenceStep.end_index)) == STEP + 1


def test_the_index_reads_no_entry_while_too_few_are_numbered(filled: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "READ", None)
    with filled.session("sequencer") as session:
        assert not index_next(session)


def test_moments_that_are_none_stop_neither_the_index_nor_a_search(filled: Log) -> None:
    with filled.session("owner") as session:
        session.execute(text("ALTER TABLE evidence DROP CONSTRAINT ck_evidence_moment"))
        session.execute(text("DELETE FROM evidence_posting"))
        session.execute(text("DELETE FROM evidence_step"))
        falsify = text(
            "UPDATE evidence SET recorded_at = :moment"
            " WHERE id = (SELECT evidence_id FROM log_leaf WHERE leaf_index = :number)"
        )
        for number, moment in enumerate(("infinity", "-infinity", "1960-01-01 00:00+00")):
            session.execute(falsify, {"number": number, "moment": moment})
        assert index_next(session)
        early, late = BEGINS - timedelta(days=30_000), BEGINS + timedelta(days=900)
        for since, until in ((early, None), (None, BEGINS), (early, late), (None, None)):
            assert len(search(session, Search(outcome="DONE", since=since, until=until), limit=PAGE).items) <= PAGE
