"""More ways to falsify the stored log, beside those of the integration tests, and what verification says of each."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from audit.checkpoint import Checkpoint
from audit.note import Note
from audit.personal import Seal, committed
from tests.integration.audit import test_tampering as small
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_tampering import entry_id, flip_byte, owner, run, unfetter

__all__ = ["owner"]


CHANGED_BODY = b'{"changed":true}'


def mend_hash(session: Session, identity: uuid.UUID) -> None:
    run(
        session,
        r"UPDATE evidence SET leaf_hash = sha256('\x00'::bytea || body) FROM evidence_text"
        " WHERE id = evidence_id AND id = :id",
        id=identity,
    )


@pytest.mark.parametrize("index", [0, 255, 256, 511, 599])
def test_one_changed_byte_names_the_entry(long_log: Log, owner: Session, index: int) -> None:
    small.test_one_changed_byte_names_the_entry(long_log, owner, index)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("outcome", "'REFUSED'"),
        ("subject", "'test/other'"),
        ("matter", "'application/other'"),
        ("agency_code", "''"),
        ("person_id", "NULL"),
        ("person_id", "gen_random_uuid()"),
    ],
)
def test_a_changed_column_names_the_entry_and_the_column(
    long_log: Log, owner: Session, column: str, value: str
) -> None:
    small.test_a_changed_column_names_the_entry_and_the_column(long_log, owner, column, value)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (250, 260), (100, 355), (599, 599)])
def test_deleted_entries_with_their_numbers_leave_a_gap(long_log: Log, owner: Session, first: int, last: int) -> None:
    small.test_deleted_entries_with_their_numbers_leave_a_gap(long_log, owner, first, last)


def test_a_changed_entry_with_a_mended_hash_is_still_named(long_log: Log, owner: Session) -> None:
    flip_byte(owner, 300)
    mend_hash(owner, entry_id(owner, 300))
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index) == ("entry_changed", 300)


def test_a_changed_entry_with_a_mended_tile_contradicts_the_next_checkpoint(long_log: Log, owner: Session) -> None:
    name = entry_id(owner, 310)
    run(owner, "UPDATE evidence SET outcome = 'REFUSED' WHERE id = :id", id=name)
    run(
        owner,
        "UPDATE evidence_text SET body = convert_to("
        "replace(convert_from(body, 'UTF8'), 'DONE', 'REFUSED'), 'UTF8') WHERE evidence_id = :id",
        id=name,
    )
    mend_hash(owner, name)
    run(
        owner,
        "UPDATE log_tile SET hashes = overlay(hashes PLACING (SELECT leaf_hash FROM evidence WHERE id = :id)"
        " FROM 54 * 32 + 1) WHERE level = 0 AND number = 1",
        id=name,
    )
    report = long_log.verify(owner)
    assert report.first
    assert report.first.code == "checkpoint_contradicted"
    assert "400 entries" in report.first.sentence
    assert report.counts == {"checkpoint_contradicted": 3, "tile_differs": 1}


def test_a_changed_leaf_hash_column_is_named(long_log: Log, owner: Session) -> None:
    run(owner, r"UPDATE evidence SET leaf_hash = sha256('x') WHERE id = :id", id=entry_id(owner, 5))
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index) == ("leaf_hash_wrong", 5)


def test_a_text_that_is_no_entry_is_named(long_log: Log, owner: Session) -> None:
    run(
        owner, "UPDATE evidence_text SET body = :body WHERE evidence_id = :id", body=CHANGED_BODY, id=entry_id(owner, 5)
    )
    report = long_log.verify(owner)
    assert report.counts == {"entry_changed": 1, "leaf_hash_wrong": 1, "entry_unreadable": 1}


def test_a_deleted_entry_whose_number_is_left_is_named(long_log: Log, owner: Session) -> None:
    name = entry_id(owner, 123)
    unfetter(owner)
    run(owner, "DELETE FROM evidence WHERE id = :id", id=name)
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index, report.first.entry_id) == ("entry_missing", 123, name)


def test_an_entry_numbered_behind_the_sequencers_back_is_unsigned(long_log: Log, owner: Session) -> None:
    waiting = owner.scalar(text("SELECT evidence_id FROM evidence_queue LIMIT 1"))
    run(owner, "INSERT INTO log_leaf VALUES (600, :id)", id=waiting)
    report = long_log.verify(owner)
    assert [finding.code for finding in report.findings] == ["tile_missing", "unsigned_entries"]
    assert report.findings[1].index == 600


def test_swapped_texts_name_both_entries(long_log: Log, owner: Session) -> None:
    swapped = "(here.{0} = :one AND other.{0} = :two) OR (here.{0} = :two AND other.{0} = :one)"
    names = {"one": entry_id(owner, 10), "two": entry_id(owner, 20)}
    for table, column, name in (("evidence_text", "body", "evidence_id"), ("evidence", "leaf_hash", "id")):
        where = swapped.format(name)
        run(
            owner,
            f"UPDATE {table} AS here SET {column} = other.{column} FROM {table} AS other WHERE {where}",
            **names,
        )
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index) == ("entry_changed", 10)
    assert report.counts["entry_changed"] == 2


def test_a_rewritten_log_signed_anew_contradicts_a_kept_checkpoint(long_log: Log, owner: Session) -> None:
    kept = owner.scalar(text("SELECT note FROM log_checkpoint WHERE size = 100"))
    root = owner.scalar(text("SELECT root FROM log_checkpoint WHERE size = 200"))
    forged = Checkpoint(long_log.settings.log_origin, 100, root)
    note = str(Note(str(forged)).signed(long_log.key))
    run(owner, "UPDATE log_checkpoint SET root = :root, note = :note WHERE size = 100", root=root, note=note)
    assert long_log.verify(owner).counts == {"checkpoint_contradicted": 1}
    assert long_log.verify(owner, kept).counts == {"checkpoint_contradicted": 1}
    assert long_log.verify(owner, note).counts == {"checkpoint_contradicted": 1, "kept_checkpoint_contradicted": 1}


def test_a_checkpoint_without_its_second_signature_is_named_unless_it_is_older_than_that_key(
    long_log: Log, owner: Session
) -> None:
    def strip(sizes: str) -> None:
        run(
            owner,
            "UPDATE log_checkpoint SET note = regexp_replace(note, '[^\n]+\n$', '')"  # the second line is the last
            f" WHERE size {sizes}",
        )

    assert long_log.verify(owner).signed_twice == 6
    strip("<= 300")
    older = long_log.verify(owner)
    assert (older.ok, older.checkpoints, older.signed_twice) == (True, 6, 3)
    strip("= 500")
    assert long_log.verify(owner).counts == {"checkpoint_signed_once": 1}
    owner.rollback()
    note = Note.parse(owner.scalar(text("SELECT note FROM log_checkpoint WHERE size = 300")) or "")
    thief = Note(note.text, note.signatures[:1]).cosigned(long_log.key.second, 1)
    value = thief.signatures[1]
    forged = Note(note.text, (note.signatures[0], replace(value, value=bytes(8) + value.value[8:])))
    run(owner, "UPDATE log_checkpoint SET note = :note WHERE size = 300", note=str(forged))
    assert long_log.verify(owner).counts == {"checkpoint_not_signed": 1}


def test_changed_missing_and_stray_tiles_are_named(long_log: Log, owner: Session) -> None:
    run(owner, "UPDATE log_tile SET hashes = set_byte(hashes, 33, get_byte(hashes, 33) # 1) WHERE level = 1")
    report = long_log.verify(owner)
    assert report.counts == {"tile_differs": 1}
    assert "hash 1 of the tile tile/1/000" in report.findings[0].sentence
    owner.rollback()
    run(owner, "DELETE FROM log_tile WHERE level = 1")
    assert long_log.verify(owner).counts == {"tile_differs": 1}
    owner.rollback()
    run(owner, "INSERT INTO log_tile SELECT 2, 0, hashes FROM log_tile WHERE level = 1")
    assert "tile/2/000" in long_log.verify(owner).findings[0].sentence
    owner.rollback()
    run(owner, "UPDATE log_tile SET hashes = hashes || hashes WHERE level = 0 AND number = 2")
    assert long_log.verify(owner).counts == {"tile_differs": 1}
    owner.rollback()
    run(owner, "DELETE FROM log_tile WHERE level = 0 AND number = 2")
    report = long_log.verify(owner)
    assert [(finding.code, finding.index) for finding in report.findings] == [("tile_missing", 512)]


def test_personal_details_sealed_anew_by_who_has_the_sites_key_are_named(long_log: Log, owner: Session) -> None:
    name = entry_id(owner, 1)
    _, opening = committed({"name": "王五"})
    wrapped_key, ciphertext = Seal(long_log.settings.sealing_key).close(name, opening)
    for table, column, value in (
        ("evidence_personal", "wrapped_key", wrapped_key),
        ("evidence_text", "ciphertext", ciphertext),
    ):
        run(owner, f"UPDATE {table} SET {column} = :value WHERE evidence_id = :id", value=value, id=name)
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index) == ("personal_differs", 1)
    assert "not those that it commits to" in report.first.sentence


def test_every_number_taken_away_is_found(long_log: Log, owner: Session) -> None:
    run(owner, "DELETE FROM log_leaf")
    report = long_log.verify(owner)
    assert report.counts == {"checkpoint_unproved": 6, "entry_lost": 600, "tile_differs": 2}


def test_a_leaf_far_beyond_the_log_does_not_hold_verification_up(long_log: Log, owner: Session) -> None:
    waiting = owner.scalar(text("SELECT evidence_id FROM evidence_queue LIMIT 1"))
    run(owner, "INSERT INTO log_leaf VALUES (:index, :id)", index=2**62, id=waiting)
    report = long_log.verify(owner)
    assert report.first
    assert (report.first.code, report.first.index) == ("number_missing", 600)
    assert report.counts["unsigned_entries"] == 1
    assert report.seconds < 10
