"""Each way to falsify the stored log, as the database's owner and rolled back, and what verification says of it."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from audit.actor import HUB
from audit.append import append
from audit.keys import SigningKey
from audit.note import Note
from audit.verify_entry import DESTROYED
from tests.integration.audit.conftest import Log


@pytest.fixture
def owner(long_log: Log) -> Iterator[Session]:
    with long_log.session("owner") as session:
        yield session


def run(session: Session, statement: str, **values: object) -> None:
    assert session.execute(text(statement), values).rowcount != 0  # type: ignore[attr-defined]  # a cursor's result


def entry_id(session: Session, index: int) -> uuid.UUID:
    found = session.scalar(text("SELECT evidence_id FROM log_leaf WHERE leaf_index = :index"), {"index": index})
    assert isinstance(found, uuid.UUID)
    return found


def flip_byte(session: Session, index: int) -> None:
    run(
        session,
        "UPDATE evidence_text SET body = set_byte(body, 100, get_byte(body, 100) # 1) WHERE evidence_id = :id",
        id=entry_id(session, index),
    )


def unfetter(session: Session) -> None:
    """What an administrator would do first."""
    for table, constraint in [
        ("log_leaf", "fk_log_leaf_evidence_id"),
        ("log_leaf", "uq_log_leaf_evidence_id"),
        ("evidence_personal", "fk_evidence_personal_evidence_id"),
    ]:
        session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))


def test_the_untouched_log_is_whole(long_log: Log, owner: Session) -> None:
    report = long_log.verify(owner)
    assert report.ok
    assert report.first is None
    assert (report.entries, report.checkpoints, report.waiting, report.opened) == (600, 6, 3, 301)
    assert report.root == owner.scalar(text("SELECT encode(root, 'hex') FROM log_checkpoint WHERE size = 600"))


@pytest.mark.parametrize("index", [299])
def test_one_changed_byte_names_the_entry(long_log: Log, owner: Session, index: int) -> None:
    flip_byte(owner, index)
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index, report.first.entry_id) == (
        "entry_changed",
        index,
        entry_id(owner, index),
    )
    assert report.first.expected != report.first.found
    assert str(index) in report.first.sentence
    assert report.counts["entry_changed"] == 1
    assert not report.counts["checkpoint_contradicted"]
    owner.rollback()
    assert long_log.verify(owner).ok


@pytest.mark.parametrize(("column", "value"), [("kind", "'test.other'")])
def test_a_changed_column_names_the_entry_and_the_column(
    long_log: Log, owner: Session, column: str, value: str
) -> None:
    run(owner, f"UPDATE evidence SET {column} = {value} WHERE id = :id", id=entry_id(owner, 77))
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index) == ("column_differs", 77)
    assert f"column {column}" in report.first.sentence
    assert sum(report.counts.values()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM evidence_text WHERE evidence_id = :id",
        "UPDATE evidence SET recorded_at = recorded_at - interval '1 microsecond' WHERE id = :id",
    ],
)
def test_a_text_taken_away_or_moved_names_the_entry(long_log: Log, owner: Session, statement: str) -> None:
    waiting = owner.scalar(text("SELECT evidence_id FROM evidence_queue LIMIT 1"))
    run(owner, statement, id=entry_id(owner, 77))
    run(owner, statement, id=waiting)
    report = long_log.verify(owner)
    assert [(finding.code, finding.index) for finding in report.findings] == [
        ("text_missing", 77),
        ("text_missing", None),
    ]
    assert report.root, "stored tiles carry the tree over the gap"


@pytest.mark.parametrize(("first", "last"), [(400, 400)])
def test_deleted_entries_with_their_numbers_leave_a_gap(long_log: Log, owner: Session, first: int, last: int) -> None:
    unfetter(owner)
    between = "SELECT evidence_id FROM log_leaf WHERE leaf_index BETWEEN :first AND :last"
    for table, column in (("evidence_text", "evidence_id"), ("evidence", "id")):
        run(owner, f"DELETE FROM {table} WHERE {column} IN ({between})", first=first, last=last)
    owner.execute(
        text(f"DELETE FROM evidence_personal WHERE evidence_id IN ({between})"), {"first": first, "last": last}
    )
    run(owner, "DELETE FROM log_leaf WHERE leaf_index BETWEEN :first AND :last", first=first, last=last)
    report = long_log.verify(owner)
    assert report.first
    if last == 599:
        assert report.first.code == "checkpoint_unproved"
    else:
        assert (report.first.code, report.first.index) == ("number_missing", first)
        assert sum(report.counts.values()) == 1, "stored tiles carry the tree over the gap"


def test_an_inserted_entry_is_named(long_log: Log, owner: Session) -> None:
    unfetter(owner)
    forged = uuid.uuid4()
    run(
        owner,
        "INSERT INTO evidence SELECT :id, recorded_at, kind, outcome, subject, matter, agency_code, person_id,"
        " leaf_hash FROM evidence WHERE id = :model",
        id=forged,
        model=entry_id(owner, 200),
    )
    run(
        owner,
        "INSERT INTO evidence_text SELECT recorded_at, :id, body FROM evidence_text WHERE evidence_id = :model",
        id=forged,
        model=entry_id(owner, 200),
    )
    run(owner, "UPDATE log_leaf SET leaf_index = leaf_index + 10000 WHERE leaf_index >= 200")
    run(owner, "UPDATE log_leaf SET leaf_index = leaf_index - 9999 WHERE leaf_index >= 10000")
    run(owner, "INSERT INTO log_leaf VALUES (200, :id)", id=forged)
    report = long_log.verify(owner)
    assert report.first
    assert report.first.index in {200, 201}
    assert report.counts["entry_changed"] >= 399
    assert report.counts["unsigned_entries"] == 1


def test_swapped_numbers_name_both_entries(long_log: Log, owner: Session) -> None:
    unfetter(owner)
    one, other = entry_id(owner, 10), entry_id(owner, 20)
    run(owner, "UPDATE log_leaf SET evidence_id = :id WHERE leaf_index = 10", id=other)
    run(owner, "UPDATE log_leaf SET evidence_id = :id WHERE leaf_index = 20", id=one)
    report = long_log.verify(owner)
    assert [(finding.code, finding.index, finding.entry_id) for finding in report.findings] == [
        ("entry_changed", 10, other),
        ("entry_changed", 20, one),
    ]


def test_a_tail_cut_off_contradicts_the_checkpoint_or_leaves_lost_entries(long_log: Log, owner: Session) -> None:
    run(owner, "DELETE FROM log_leaf WHERE leaf_index >= 550")
    report = long_log.verify(owner)
    assert report.counts["checkpoint_unproved"] == 1
    assert report.counts["entry_lost"] == 50
    assert report.first
    assert "550 entries" in report.first.found
    owner.rollback()


def test_a_log_cut_back_as_a_whole_shows_against_a_kept_checkpoint(long_log: Log, owner: Session) -> None:
    kept = owner.scalar(text("SELECT note FROM log_checkpoint WHERE size = 600"))
    older = owner.scalar(text("SELECT note FROM log_checkpoint WHERE size = 300"))
    cut = [entry_id(owner, index) for index in range(500, 600)]
    run(owner, "UPDATE log_tile SET hashes = substr(hashes, 1, 244 * 32) WHERE level = 0 AND number = 1")
    run(owner, "DELETE FROM log_tile WHERE level = 0 AND number = 2")
    run(owner, "UPDATE log_tile SET hashes = substr(hashes, 1, 32) WHERE level = 1")
    run(owner, "DELETE FROM log_leaf WHERE leaf_index >= 500")
    run(owner, "DELETE FROM log_checkpoint WHERE size > 500")
    unseen = long_log.verify(owner)
    assert unseen.counts == {"entry_lost": 100}
    run(owner, "DELETE FROM evidence_personal WHERE evidence_id = ANY(:ids)", ids=cut)
    run(owner, "DELETE FROM evidence WHERE id = ANY(:ids)", ids=cut)
    assert long_log.verify(owner).counts == {"text_without_entry": 100}
    run(owner, "DELETE FROM evidence_text WHERE evidence_id = ANY(:ids)", ids=cut)
    assert long_log.verify(owner).ok, "nothing within the database can tell"
    report = long_log.verify(owner, kept)
    assert report.first
    assert report.first.code == "kept_checkpoint_contradicted"
    assert "600 entries" in report.first.expected
    assert long_log.verify(owner, older).ok
    owner.rollback()
    assert long_log.verify(owner, kept).ok


def test_checkpoints_signed_by_another_or_changed_are_named(long_log: Log, owner: Session) -> None:
    thief = SigningKey(long_log.settings.log_origin, bytes(32))
    text_of = Note.parse(owner.scalar(text("SELECT note FROM log_checkpoint WHERE size = 300")) or "").text
    run(owner, "UPDATE log_checkpoint SET note = :note WHERE size = 300", note=str(Note(text_of).signed(thief)))
    run(owner, r"UPDATE log_checkpoint SET root = sha256('x') WHERE size = 400")
    run(owner, "UPDATE log_checkpoint SET note = 'nothing' WHERE size = 500")
    report = long_log.verify(owner)
    assert [finding.code for finding in report.findings] == [
        "checkpoint_not_signed",
        "checkpoint_differs",
        "checkpoint_not_signed",
    ]
    assert "300 entries" in report.findings[0].sentence


def test_a_changed_leaf_in_a_tile_is_told_from_a_changed_entry(long_log: Log, owner: Session) -> None:
    run(
        owner,
        "UPDATE log_tile SET hashes = set_byte(hashes, 40 * 32, get_byte(hashes, 40 * 32) # 1)"
        " WHERE level = 0 AND number = 1",
    )
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index) == ("entry_changed", 296)
    assert report.counts["checkpoint_contradicted"] == 4, "the checkpoints hold with the entry, not with the tile"


def test_personal_details_swapped_deleted_or_added_are_named(long_log: Log, owner: Session) -> None:
    one, other = entry_id(owner, 1), entry_id(owner, 3)
    for table, column in (("evidence_personal", "wrapped_key"), ("evidence_text", "ciphertext")):
        run(
            owner,
            f"UPDATE {table} AS here SET {column} = other.{column} FROM {table} AS other"
            " WHERE here.evidence_id = :one AND other.evidence_id = :other",
            one=one,
            other=other,
        )
    run(owner, "DELETE FROM evidence_personal WHERE evidence_id = :id", id=entry_id(owner, 5))
    run(
        owner,
        "INSERT INTO evidence_personal (evidence_id, wrapped_key) SELECT :id, wrapped_key FROM evidence_personal"
        " LIMIT 1",
        id=entry_id(owner, 6),
    )
    report = long_log.verify(owner)
    assert [(finding.code, finding.index) for finding in report.findings] == [
        ("personal_differs", 1),
        ("personal_differs", 5),
        ("personal_differs", 6),
    ]


def test_destroyed_personal_details_leave_the_log_whole_when_an_entry_records_it(long_log: Log, owner: Session) -> None:
    name = entry_id(owner, 1)
    run(owner, "UPDATE evidence_personal SET wrapped_key = NULL WHERE evidence_id = :id", id=name)
    report = long_log.verify(owner)
    assert (report.opened, report.destroyed) == (300, 1)
    assert [(finding.code, finding.index) for finding in report.findings] == [("personal_destroyed", 1)]
    append(owner, DESTROYED, f"evidence/{uuid.uuid4()}", HUB, after={"reason": "another entry's"})
    append(owner, DESTROYED, f"evidence/{name}", HUB, outcome="REFUSED")
    assert not long_log.verify(owner).ok
    append(owner, DESTROYED, f"evidence/{name}", HUB, after={"reason": "the period of keeping is over"})
    report = long_log.verify(owner)
    assert report.ok
    assert (report.opened, report.destroyed) == (300, 1)


def test_a_waiting_entry_that_is_changed_or_taken_from_the_queue_is_named(long_log: Log, owner: Session) -> None:
    waiting = owner.scalars(text("SELECT evidence_id FROM evidence_queue ORDER BY queued_at")).all()
    run(owner, "UPDATE evidence SET subject = 'test/other' WHERE id = :id", id=waiting[0])
    run(owner, "DELETE FROM evidence_queue WHERE evidence_id = :id", id=waiting[1])
    report = long_log.verify(owner)
    assert [(finding.code, finding.index, finding.entry_id) for finding in report.findings] == [
        ("column_differs", None, waiting[0]),
        ("entry_lost", None, waiting[1]),
    ]
    assert report.waiting == 2
