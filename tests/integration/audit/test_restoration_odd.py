"""A backup is put back while entries waited, and losses are declared that are none."""

import hashlib

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from audit.append import append
from audit.models import Evidence, LogLeaf
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
            append(owner, "log.restored", "log/1", SYSTEM, after=right | wrong)
            go_on(log, owner)
            assert ("number_missing" in log.verify(owner).counts) == bool(wrong), wrong
