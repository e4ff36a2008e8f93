"""Point 6: everything is an entry, the log is whole, and a byte changed behind the application's back is found."""

import uuid
from dataclasses import dataclass

import orjson
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.database import engine
from audit.log_keys import log_keys
from audit.models import Evidence, EvidenceQueue, LogLeaf
from audit.personal import Seal
from audit.reconcile import registered
from audit.report import Report
from audit.search import Search, search
from audit.verify import verify_log
from portal.demo.commands import shuniu_here
from portal.demo.stage import Stage, Unexpected, expect

KINDS = {
    "agency.registered",
    "role.assigned",
    "key.registered",
    "client.registered",
    "resource.returned",
    "resource.published",
    "secrecy_review.passed",
    "dataset.loaded",
    "application.form_generated",
    "application.handed_over",
    "application.received",
    "application.answered",
    "agreement.signed",
    "agreement.in_force",
    "grant.opened",
    "need.raised",
    "need.answered",
    "dispute.raised",
    "dispute.concluded",
    "delivery.requested",
    "delivery.prepared",
    "delivery.delivered",
    "delivery.acknowledged",
    "release.authorised",
    "release.completed",
    "case_clock.turned",
}
"""Every one of these must be in the log at the end of the story."""
REFUSED = {"application.drafted", "application.answered", "release.refused", "resource.approved"}
"""Of these kinds the story had something refused."""
SEQUENCER_SECONDS = 30.0


@dataclass(frozen=True)
class Tampered:
    """An entry, and what verification said after a byte of it was changed."""

    index: int
    identity: uuid.UUID
    report: Report


def find_everything(stage: Stage) -> str:
    """The auditor finds every request, approval, refusal, delivery and acknowledgement, numbered in the log."""
    _wait_for_sequencer(stage)
    counts = stage.read(
        lambda session: {
            (kind, outcome): int(count)
            for kind, outcome, count in session.execute(
                select(Evidence.kind, Evidence.outcome, func.count()).group_by(Evidence.kind, Evidence.outcome)
            )
        }
    )
    missing = KINDS - {kind for kind, outcome in counts if outcome == "DONE"}
    expect(not missing, f"evidence of {', '.join(sorted(missing))}")
    unrefused = REFUSED - {kind for kind, outcome in counts if outcome == "REFUSED"}
    expect(not unrefused, f"evidence of a refusal of {', '.join(sorted(unrefused))}")
    case = f"application/{stage.made['application.tax']}"
    timeline = stage.act("penghua", lambda session, _: len(search(session, Search(matter=case), limit=200).items))
    refusals = sum(count for (_, outcome), count in counts.items() if outcome == "REFUSED")
    return f"{sum(counts.values())} entries, {refusals} of them refusals; the tax bureau's case alone has {timeline}"


def verify_the_log(stage: Stage) -> str:
    """`shuniu audit verify` recomputes the whole log and compares it with the business tables."""
    report = orjson.loads(shuniu_here(stage, "audit", "verify", "--json", statuses=(0, 1)))
    first = next((finding["sentence"] for finding in report["findings"]), "")
    expect(report["ok"], f"the log to be whole; instead: {first} {report['counts']}")
    compared = len(report["reconciled"])
    return (
        f"{report['entries']} entries and {report['checkpoints']} checkpoints recomputed: the log is whole, and "
        f"{compared} comparisons with the business tables find nothing"
    )


def change_one_byte(stage: Stage) -> str:
    """The database's owner changes one byte of the answer's entry, in a transaction that is rolled back."""
    tampered = _tamper(stage)
    first = tampered.report.first
    if first is None:
        raise Unexpected("demo.unseen", "A changed byte of entry {index} was not seen.", index=tampered.index)
    named = first.entry_id == tampered.identity or first.index == tampered.index
    expect(named, f"verification to name entry {tampered.index}, not: {first.sentence}")
    with Session(engine(stage.settings.app_database_url)) as session:
        after = _verified(stage, session)
    expect(after.ok, "the log to be whole after the roll-back")
    return f"one byte of entry {tampered.index} changed: \u201c{first.sentence}\u201d Rolled back: whole again"


def _tamper(stage: Stage) -> Tampered:
    """Change, verify on the same connection, roll back."""
    owner = engine(stage.settings.database_url).execution_options(isolation_level="REPEATABLE READ")
    with Session(owner) as session:
        found = session.execute(
            select(LogLeaf.leaf_index, Evidence.id)
            .join(Evidence, Evidence.id == LogLeaf.evidence_id)
            .where(Evidence.kind == "application.answered", Evidence.outcome == "DONE")
            .order_by(LogLeaf.leaf_index)
            .limit(1)
        ).one()
        changed = text(
            "UPDATE evidence_text SET body = set_byte(body, octet_length(body) / 2,"
            " get_byte(body, octet_length(body) / 2) # 1) WHERE evidence_id = :id"
        )
        session.execute(changed, {"id": found.id})
        report = _verified(stage, session)
        session.rollback()
    return Tampered(found.leaf_index, found.id, report)


def _verified(stage: Stage, session: Session) -> Report:
    settings = stage.settings
    key = log_keys(settings).log
    return verify_log(session, key, key.name, registered(), seal=Seal(settings.sealing_key))


def _wait_for_sequencer(stage: Stage) -> None:
    def look() -> bool | None:
        waiting = stage.read(lambda session: session.scalar(select(func.count()).select_from(EvidenceQueue)))
        return None if waiting else True

    stage.wait("The worker numbers the evidence", look, SEQUENCER_SECONDS)
