"""A backup is put back while entries waited, and losses are declared that are none."""

import hashlib
import uuid
from collections.abc import Mapping

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from audit.append import append
from audit.models import Evidence, LogLeaf
from audit.restoration.compared import restorations_follow_entries
from tests.integration.audit.conftest import Log
from tests.integration.audit.elsewhere import AUDIT, SYSTEM, foreign, go_on, numbered, restored, waiting


def numbers(session: Session, leaves: list[bytes]) -> list[int]:
    entries = select(LogLeaf.leaf_index).join(Evidence, Evidence.id == LogLeaf.evidence_id)
    return list(session.scalars(entries.where(Evidence.leaf_hash.in_(leaves)).order_by(LogLeaf.leaf_index)))


def test_what_still_waited_in_the_backup_gets_the_number_that_it_had(log: Log) -> None:
    log.write(10)
    log.sequence()
    log.write(5)
    with log.session("owner") as owner:
        there = waiting(owner)
        assert restored(log, owner, numbered(owner) + there).lost == 0
        assert numbers(owner, there) == [10, 11, 12, 13, 14]
        go_on(log, owner)
        report = log.verify(owner)
        assert (report.ok, report.lost, report.entries) == (True, [], 16), report.first
        owner.rollback()

        later = foreign(20)
        leaves = numbered(owner) + later[:3] + there[:2] + later[3:] + there[2:4]
        assert restored(log, owner, leaves).lost == 20
        go_on(log, owner)
        assert numbers(owner, there) == [13, 14, 32, 33, 34], "numbered once, the last behind all"
        assert len(numbered(owner)) == len(set(numbered(owner)))
        report = log.verify(owner)
        assert (report.ok, report.lost) == (True, [(10, 13, 35), (15, 32, 35)]), report.first
        owner.execute(text("DELETE FROM log_leaf WHERE leaf_index = 14"))
        report = log.verify(owner)
        assert report.counts["number_missing"] == 1, "one more than was declared is gone"


def made(session: Session, entry_id: uuid.UUID, facts: Mapping[str, object]) -> None:
    """What a restoration writes down beside its entry, and leaves of the checkpoints between."""
    sizes = {"start": facts["from_size"], "end": facts["to_size"]}
    session.execute(
        text(
            "INSERT INTO log_restoration (id, found_at, own_size, seen_size, seen_by, evidence_id, done_at)"
            " VALUES (:id, now(), :start, :end, 'a test', :entry, now())"
        ),
        {"id": uuid.uuid4(), "entry": entry_id, **sizes},
    )
    session.execute(text("DELETE FROM log_checkpoint WHERE size > :start AND size < :end"), sizes)


def test_a_loss_is_believed_of_two_people_and_up_to_a_checkpoint_alone(log: Log) -> None:
    log.write(9)
    log.sequence(3)
    log.sequence(3)
    log.sequence(3)
    with log.session("owner") as owner:
        root = owner.scalar(text("SELECT root FROM log_checkpoint WHERE size = 6")) or b""
        right = {"from_size": 3, "to_size": 6, "root": root.hex(), "confirmed_by": str(AUDIT.person_id)}
        for wrong in (
            {"root": hashlib.sha256(b"another").hexdigest()},
            {"confirmed_by": str(SYSTEM.person_id)},
            {"to_size": 5},
            {"to_size": 9},
            {"lost": 2},
            {},
        ):
            owner.rollback()
            owner.execute(text("DELETE FROM log_leaf WHERE leaf_index BETWEEN 3 AND 5"))
            made(owner, append(owner, "log.restored", "log/1", SYSTEM, after=right | wrong).id, right | wrong)
            go_on(log, owner)
            assert ("number_missing" in log.verify(owner).counts) == bool(wrong), wrong


def test_a_planted_declaration_excuses_nothing(log: Log) -> None:
    """Who owns the database deletes entries of a log that goes on, and declares them lost in two people's names."""
    log.write(9)
    for _ in range(3):
        log.sequence(3)
    with log.session("owner") as owner:
        root = owner.scalar(text("SELECT root FROM log_checkpoint WHERE size = 9")) or b""
        facts = {"from_size": 0, "to_size": 9, "lost": 3, "root": root.hex(), "confirmed_by": str(AUDIT.person_id)}
        gone = "SELECT evidence_id FROM log_leaf WHERE leaf_index BETWEEN 2 AND 4"
        taken = list(owner.scalars(text(gone)))
        owner.execute(text("DELETE FROM log_leaf WHERE evidence_id = ANY(:ids)"), {"ids": taken})
        for table, column in (
            ("evidence_text", "evidence_id"),
            ("evidence_personal", "evidence_id"),
            ("evidence", "id"),
        ):
            owner.execute(text(f"DELETE FROM {table} WHERE {column} = ANY(:ids)"), {"ids": taken})
        entry = append(owner, "log.restored", "log/1", SYSTEM, after=facts)
        go_on(log, owner)
        report = log.verify(owner)
        assert (report.counts, report.lost) == ({"number_missing": 1}, [])
        [alone] = restorations_follow_entries(owner)
        assert "no restoration is written down" in alone.sentence

        owner.execute(
            text(
                "INSERT INTO log_restoration (id, found_at, own_size, seen_size, seen_by, evidence_id, done_at)"
                " VALUES (gen_random_uuid(), now(), 0, 9, 'a test', :id, now())"
            ),
            {"id": entry.id},
        )
        assert log.verify(owner).counts == {"number_missing": 1}, "a checkpoint from within shows that it was seen here"
        assert not list(restorations_follow_entries(owner))
        owner.execute(text("UPDATE log_restoration SET own_size = 1"))
        assert len(list(restorations_follow_entries(owner))) == 2, "neither follows the other"


def test_a_restoration_is_written_down_as_its_entry_declares_it(log: Log) -> None:
    log.write(10)
    log.sequence()
    with log.session("owner") as owner:
        restored(log, owner, numbered(owner) + foreign(5))
        go_on(log, owner)
        report = log.verify(owner)
        assert (report.ok, report.whole, report.lost) == (True, False, [(10, 15, 15)]), report.first
        assert not list(restorations_follow_entries(owner))
        owner.execute(text("UPDATE evidence SET kind = 'log.published' WHERE kind = 'log.restored'"))
        [alone] = restorations_follow_entries(owner)
        assert "no entry declares it" in alone.sentence
