"""Falsifications by the database's owner that verification must survive, and name, with all else that it finds."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from audit.actor import HUB
from audit.append import append
from audit.destruction.compared import destroyed_as_decided
from audit.merkle import leaf_hash
from audit.personal import Seal
from audit.queries import entry, personal
from audit.reconcile import Discrepancy
from audit.report import Finding, Report
from audit.verify import _reconcile
from audit.verify_entry import DESTROYED, EntryCheck, Row
from audit.verify_strays import find_without_entry
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_tampering import entry_id, flip_byte, owner, run, unfetter

__all__ = ["owner"]


def codes(report: Report) -> list[tuple[str, int | None]]:
    return [(finding.code, finding.index) for finding in report.findings]


def others(report: Report) -> list[tuple[str, int | None]]:
    """What is found but for what follows from a flipped byte besides that its entry is changed."""
    follows = ("leaf_hash_wrong", "column_differs")
    return [each for each in codes(report) if each[0] not in follows or each[1] not in (299, 550)]


def loosen(session: Session, table: str) -> None:
    """Drop the constraints of a table, its primary key among them, and have its columns take nothing."""
    names = "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND contype <> 'n'"
    for name in session.scalars(text(names), {"table": table}).all():
        session.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE'))
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND attnotnull"
    for name in session.scalars(text(columns), {"table": table}).all():
        session.execute(text(f'ALTER TABLE {table} ALTER "{name}" DROP NOT NULL'))


def test_details_without_a_ciphertext_are_missing(long_log: Log, owner: Session) -> None:
    run(owner, "UPDATE evidence_text SET ciphertext = NULL WHERE evidence_id = :id", id=entry_id(owner, 1))
    flip_byte(owner, 299)
    assert codes(long_log.verify(owner))[:2] == [("personal_differs", 1), ("entry_changed", 299)]


def test_a_place_in_the_queue_of_no_entry_is_named(long_log: Log, owner: Session) -> None:
    loosen(owner, "evidence_queue")
    invented = uuid.uuid4()
    run(owner, "INSERT INTO evidence_queue VALUES (:id, now())", id=invented)
    flip_byte(owner, 299)
    report = long_log.verify(owner)
    assert [codes(report)[place] for place in (0, -1)] == [("entry_changed", 299), ("entry_missing", None)]
    assert report.findings[-1].entry_id == invented


def nested() -> bytes:
    return b'{"data":{"after":' + b"[" * 30_000 + b"]" * 30_000 + b"}}"


def test_a_text_that_is_too_deep_brings_no_comparison_down(long_log: Log, owner: Session) -> None:
    name = append(owner, DESTROYED, "evidence/nobody", HUB).id
    run(owner, "UPDATE evidence_text SET body = :body WHERE evidence_id = :id", body=nested(), id=name)
    assert "no request" in [found.sentence for found in destroyed_as_decided(owner)][0]
    assert "entry_unreadable" in long_log.verify(owner).counts


def test_no_comparison_brings_the_others_down(long_log: Log, owner: Session) -> None:
    def recursing(session: Session) -> Iterator[Discrepancy]:
        rows = session.execute(text("SELECT id FROM evidence").execution_options(yield_per=10))
        yield Discrepancy("evidence/0", f"{rows.scalars().first()} is seen.")
        raise RecursionError

    def refused(session: Session) -> Iterator[Discrepancy]:
        session.execute(text("SELECT 1 / 0"))
        yield from ()

    def working(session: Session) -> Iterator[Discrepancy]:
        yield Discrepancy("evidence/0", f"{session.scalar(text('SELECT count(*) FROM evidence'))} entries.")

    report = Report("")
    _reconcile(owner, {"a": recursing, "b": refused, "c": working}, report)
    assert report.counts == {"reconcile.a": 1, "reconcile.c": 1, "verification_failed": 2}
    assert report.reconciled == {"a": 1, "b": 0, "c": 1}
    assert "division by zero" in report.findings[2].sentence, "the reason is told"
    assert report.findings[-1].sentence == "c: 603 entries."


BESIDES = [("entry_changed", 299), ("entry_changed", 550)]
"""Falsified besides, after and before the end of the same piece: they are named all the same."""


def test_whatever_stops_a_part_is_a_finding_and_the_other_parts_go_on(
    long_log: Log, owner: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(check: EntryCheck, row: Row) -> None:
        raise LookupError("in a way that nobody thought of")

    monkeypatch.setattr("audit.verify_read.PIECE", 256)
    monkeypatch.setattr(EntryCheck, "without_text", stumbles)
    run(owner, "DELETE FROM evidence_text WHERE evidence_id = :id", id=entry_id(owner, 3))
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    assert "The entries 0 to 255 could not be verified to the end: LookupError" in report.findings[0].sentence
    assert report.counts["verification_failed"] == 1
    assert set(BESIDES) <= set(codes(report))
    assert (report.waiting, report.root) == (3, ""), "what comes after was verified; no root is claimed"


def test_an_entry_that_cannot_be_checked_hides_no_other(
    long_log: Log, owner: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbled = entry_id(owner, 1)

    class Stumbling(Seal):
        def open(self, entry_id: uuid.UUID, wrapped_key: bytes, ciphertext: bytes) -> bytes:
            if entry_id == stumbled:
                raise LookupError("in a way that nobody thought of")
            return super().open(entry_id, wrapped_key, ciphertext)

    monkeypatch.setattr("tests.integration.audit.conftest.Seal", Stumbling)
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    assert others(report) == [("verification_failed", 1), *BESIDES]
    assert report.findings[0].entry_id == stumbled


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("signed_at = 'infinity'", "checkpoint_misdated"),
        ("signed_at = '-infinity'", "checkpoint_misdated"),
        ("signed_at = NULL", "checkpoint_misdated"),
        ("root = NULL", "checkpoint_differs"),
        ("note = NULL", "checkpoint_not_signed"),
    ],
)
@pytest.mark.parametrize("size", [300, 600])
def test_a_checkpoint_that_is_none_is_named_with_all_else(
    long_log: Log, owner: Session, change: str, code: str, size: int
) -> None:
    loosen(owner, "log_checkpoint")
    run(owner, f"UPDATE log_checkpoint SET {change} WHERE size = {size}")  # noqa: S608  # the parameters above
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    assert sorted(others(report), key=str) == sorted([(code, None), *BESIDES], key=str)
    assert f"The checkpoint of {size} entries" in next(each.sentence for each in report.findings if each.code == code)
    assert (report.entries, report.waiting, report.checkpoints) == (600, 3, 6)


def test_a_later_checkpoint_that_is_none_is_named(long_log: Log, owner: Session) -> None:
    loosen(owner, "log_checkpoint")
    for size in (700, 800):
        run(owner, "INSERT INTO log_checkpoint VALUES (:size, NULL, NULL, 'infinity')", size=size)
    assert codes(long_log.verify(owner)) == [("checkpoint_not_signed", None)] * 2


def test_a_number_of_no_entry_is_named_with_all_else(long_log: Log, owner: Session) -> None:
    loosen(owner, "log_leaf")
    bared = entry_id(owner, 3)
    run(owner, "UPDATE log_leaf SET evidence_id = NULL WHERE leaf_index = 3")
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    assert others(report) == [("entry_missing", 3), *BESIDES, ("entry_lost", None)]
    assert [report.findings[place].entry_id for place in (0, -1)] == [None, bared]


@pytest.mark.parametrize("name", ["NULL", "'00000000-0000-0000-0000-000000000000'"])
def test_a_place_in_the_queue_without_an_id_is_named_with_all_else(long_log: Log, owner: Session, name: str) -> None:
    loosen(owner, "evidence_queue")
    bared = owner.scalar(text("SELECT evidence_id FROM evidence_queue LIMIT 1"))
    run(owner, f"UPDATE evidence_queue SET evidence_id = {name} WHERE evidence_id = :id", id=bared)  # noqa: S608
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    assert others(report) == [*BESIDES, ("entry_lost", None), ("queued_without_entry", None)]
    assert report.findings[-2].entry_id == bared


def test_an_entry_without_an_id_or_a_moment_is_named_with_all_else(long_log: Log, owner: Session) -> None:
    for table in ("evidence", "log_leaf", "evidence_queue", "evidence_personal"):
        loosen(owner, table)
    run(owner, "UPDATE evidence SET id = NULL WHERE id = :id", id=(bared := entry_id(owner, 4)))
    run(owner, "UPDATE evidence SET recorded_at = NULL WHERE id = :id", id=entry_id(owner, 8))
    run(owner, "UPDATE evidence_queue SET queued_at = NULL")
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    named = [("entry_missing", 4), ("column_differs", 8), *BESIDES, ("entry_lost", None)]
    assert others(report)[:5] == named
    assert report.findings[0].entry_id == bared
    assert report.counts["queued_misdated"] == 3


@pytest.mark.parametrize("change", ["hashes = NULL WHERE level = 0 AND number = 0", "hashes = NULL WHERE level = 1"])
def test_a_tile_of_nothing_is_named_with_all_else(long_log: Log, owner: Session, change: str) -> None:
    loosen(owner, "log_tile")
    run(owner, f"UPDATE log_tile SET {change}")  # noqa: S608  # the parameters above
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    assert set(BESIDES) <= set(codes(report))
    assert {"tile_missing", "tile_differs"} & set(report.counts)
    assert "verification_failed" not in report.counts


@pytest.mark.parametrize("moment", ["infinity", "-infinity"])
def test_an_entry_whose_moment_is_none_is_named_and_those_around_it_are_verified(
    long_log: Log, owner: Session, moment: str
) -> None:
    loosen(owner, "evidence")
    waiting = owner.scalar(text("SELECT min(evidence_id::text)::uuid FROM evidence_queue"))
    for identity in (numbered := entry_id(owner, 299), waiting):
        run(owner, f"UPDATE evidence SET recorded_at = '{moment}' WHERE id = :id", id=identity)
    flip_byte(owner, 300)
    report = long_log.verify(owner)
    named = [finding for finding in report.findings if finding.found == moment]
    assert [(finding.code, finding.index, finding.entry_id) for finding in named] == [
        ("column_differs", 299, numbered),
        ("column_differs", None, waiting),
    ]
    assert (report.counts["entry_changed"], report.counts["verification_failed"], report.waiting) == (1, 0, 3)


def test_numbers_that_are_in_no_tree_are_named(long_log: Log, owner: Session) -> None:
    loosen(owner, "log_leaf")
    waiting = owner.scalar(text("SELECT evidence_id FROM evidence_queue ORDER BY evidence_id LIMIT 1"))
    run(owner, "DELETE FROM evidence_queue WHERE evidence_id = :id", id=waiting)
    run(owner, "INSERT INTO log_leaf VALUES (-1, :id)", id=waiting)
    report = long_log.verify(owner)
    assert codes(report) == [("number_outside", -1)]
    assert report.findings[0].entry_id == waiting


def test_the_largest_of_all_numbers_does_not_bring_verification_down(long_log: Log, owner: Session) -> None:
    waiting = owner.scalar(text("SELECT evidence_id FROM evidence_queue LIMIT 1"))
    run(owner, "INSERT INTO log_leaf VALUES (:index, :id)", index=2**63 - 1, id=waiting)
    assert codes(long_log.verify(owner))[0] == ("number_missing", 600)
    assert "verification_failed" not in long_log.verify(owner).counts


def test_a_destroyed_key_that_is_put_back_is_named(long_log: Log, owner: Session) -> None:
    name = entry_id(owner, 1)
    for subject in (f"evidence/{name}", "evidence/nobody", f"evidence/{uuid.uuid4()}"):
        append(owner, DESTROYED, subject, HUB, after={"reason": "asked for"})
    report = long_log.verify(owner)
    assert codes(report) == [("personal_not_destroyed", 1)]
    assert report.findings[0].entry_id == name
    run(owner, "UPDATE evidence_personal SET wrapped_key = NULL WHERE evidence_id = :id", id=name)
    assert long_log.verify(owner).ok


@pytest.mark.parametrize("shift", ["- interval '1 hour'", "+ interval '1 second'"])
def test_a_checkpoint_under_another_moment_than_it_was_signed_at_is_named(
    long_log: Log, owner: Session, shift: str
) -> None:
    run(owner, f"UPDATE log_checkpoint SET signed_at = signed_at {shift} WHERE size = 300")
    report = long_log.verify(owner)
    assert report.counts == {"checkpoint_misdated": 1}
    assert "300 entries" in report.findings[0].sentence


def test_an_entry_that_waits_since_another_moment_is_named(long_log: Log, owner: Session) -> None:
    waiting = owner.scalar(text("SELECT min(evidence_id::text)::uuid FROM evidence_queue"))
    run(
        owner,
        "UPDATE evidence_queue SET queued_at = queued_at + interval '5 minutes' WHERE evidence_id = :i",
        i=waiting,
    )
    report = long_log.verify(owner)
    assert [(finding.code, finding.entry_id) for finding in report.findings] == [("queued_misdated", waiting)]


def test_a_checkpoint_that_is_gone_is_missed_by_what_was_made_of_it(long_log: Log, owner: Session) -> None:
    run(
        owner,
        "INSERT INTO log_kept_checkpoint (hour, cosigned, key, size, version, kept_at)"
        " VALUES (now(), false, 'kept/1', 300, '', now())",
    )
    run(owner, "INSERT INTO log_cosignature VALUES (200, 'a witness', 'a line', now())")
    assert long_log.verify(owner).ok
    run(owner, "DELETE FROM log_checkpoint WHERE size IN (100, 200, 300)")
    report = long_log.verify(owner)
    assert report.counts == {"checkpoint_missing": 2}, "one that nobody had is missed by nobody"
    assert [finding.expected for finding in report.findings] == ["200 entries", "300 entries"]


def test_texts_and_keys_of_no_entry_are_named(long_log: Log, owner: Session) -> None:
    unfetter(owner)
    strange, twice = uuid.uuid4(), entry_id(owner, 7)
    run(owner, "INSERT INTO evidence_text SELECT recorded_at, :id, body FROM evidence_text LIMIT 1", id=strange)
    run(owner, "INSERT INTO evidence_personal VALUES (:id, NULL)", id=strange)
    run(
        owner,
        "INSERT INTO evidence_text SELECT recorded_at + interval '1 second', evidence_id, body FROM evidence_text"
        " WHERE evidence_id = :id",
        id=twice,
    )
    report = long_log.verify(owner)
    assert report.counts == {"text_without_entry": 2, "personal_without_entry": 1}
    assert {finding.entry_id for finding in report.findings} == {strange, twice}


@pytest.mark.parametrize("forged", [b'{"agency":null,"agency":', b'{"agency": '])
def test_a_text_that_others_may_read_otherwise_is_named(long_log: Log, owner: Session, forged: bytes) -> None:
    waiting = owner.scalar(text("SELECT evidence_id FROM evidence_queue LIMIT 1"))
    body = owner.scalar(text("SELECT body FROM evidence_text WHERE evidence_id = :id"), {"id": waiting})
    changed = bytes(body).replace(b'{"agency":', forged)
    run(owner, "UPDATE evidence_text SET body = :body WHERE evidence_id = :id", body=changed, id=waiting)
    run(owner, "UPDATE evidence SET leaf_hash = :leaf WHERE id = :id", leaf=leaf_hash(changed), id=waiting)
    assert long_log.verify(owner).counts == {"entry_not_canonical": 1}


def test_entries_with_floats_and_rare_names_are_canonical(long_log: Log, owner: Session) -> None:
    append(owner, "test.written", "test/odd", HUB, after={"z": 1.0, "\uffee": 1, "\U0001f600": 1e21, "low": -0.0})
    report = long_log.verify(owner)
    assert report.ok, report.findings


def test_a_finding_repaints_no_terminal(long_log: Log, owner: Session) -> None:
    painted = "test/\x1b[2J\x1b[HThe log is whole.\u202e\x9b31m"
    run(owner, "UPDATE evidence SET subject = :subject WHERE id = :id", subject=painted, id=entry_id(owner, 5))
    [finding] = long_log.verify(owner).findings
    assert finding.found == painted
    told = "\n".join(finding.lines())
    assert r"test/\x1b[2J\x1b[HThe log is whole.\u202e\x9b31m" in told
    assert not set(told) & set("\x1b\u202e\x9b")
    assert "枢纽" in "".join(Finding("x", "枢纽").lines())


def test_two_entries_under_one_number_are_named(long_log: Log, owner: Session) -> None:
    loosen(owner, "log_leaf")
    run(owner, "UPDATE log_leaf SET leaf_index = 299 WHERE leaf_index = 300")
    assert "number_missing" in long_log.verify(owner).counts


def test_a_second_text_of_an_entry_is_named_and_no_page_falls_over_it(long_log: Log, owner: Session) -> None:
    loosen(owner, "evidence_text")
    waiting = owner.scalar(text("SELECT min(evidence_id::text)::uuid FROM evidence_queue"))
    doubled = {7: entry_id(owner, 7), 8: entry_id(owner, 8), None: waiting}
    for place, (index, identity) in enumerate(doubled.items()):
        forged = "body" if index == 8 else "set_byte(body, 100, get_byte(body, 100) # 1)"
        second = f"SELECT recorded_at, evidence_id, {forged}, ciphertext FROM evidence_text WHERE evidence_id = :id"  # noqa: S608
        if place:
            run(owner, f"INSERT INTO evidence_text {second}", id=identity)
        else:  # the forged one lies before the true one
            run(owner, f"CREATE TEMP TABLE held AS {second}", id=identity)
            run(
                owner,
                "INSERT INTO held SELECT recorded_at, evidence_id, body, ciphertext FROM evidence_text"
                " WHERE evidence_id = :id",
                id=identity,
            )
            run(owner, "DELETE FROM evidence_text WHERE evidence_id = :id", id=identity)
            run(owner, "INSERT INTO evidence_text SELECT * FROM held")
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    twice = {(each.index, each.entry_id) for each in report.findings if each.code == "entry_twice"}
    assert twice == set(doubled.items())
    assert set(BESIDES) <= set(codes(report))
    assert "text_without_entry" not in report.counts, "each text was read"
    assert report.root, "what was numbered is still known by the tiles"
    assert personal(owner, HUB, doubled[7])
    for identity in doubled.values():
        with pytest.raises(Conflict, match="more than once"):
            entry(owner, identity)
        assert entry(owner, identity, said=False).row.id == identity


@pytest.mark.parametrize("table", ["evidence", "log_leaf", "evidence_personal", "evidence_queue"])
def test_an_entry_that_is_there_twice_is_named(long_log: Log, owner: Session, table: str) -> None:
    loosen(owner, table)
    queued = owner.scalar(text("SELECT min(evidence_id::text)::uuid FROM evidence_queue"))
    doubled = queued if table == "evidence_queue" else entry_id(owner, 7)
    key = "id" if table == "evidence" else "evidence_id"
    run(owner, f"INSERT INTO {table} SELECT * FROM {table} WHERE {key} = :id", id=doubled)  # noqa: S608
    for _, index in BESIDES:
        flip_byte(owner, index)
    report = long_log.verify(owner)
    assert [each.entry_id for each in report.findings if each.code == "entry_twice"] == [doubled]
    assert set(BESIDES) <= set(codes(report))
    assert not {"checkpoint_contradicted", "verification_failed"} & set(report.counts)
    assert (report.entries, report.waiting) == (600, 3)
    if table != "evidence_queue":
        with pytest.raises(Conflict, match="more than once"):
            entry(owner, doubled)


def test_a_key_that_nobody_read_is_counted(owner: Session) -> None:
    for snapshot in (False, True):
        report = Report("")
        find_without_entry(owner, report, 603, 300, snapshot=snapshot)
        named = [(each.code, each.expected, each.found) for each in report.findings]
        assert named == [("personal_without_entry", "300", "301")][: int(snapshot)]
