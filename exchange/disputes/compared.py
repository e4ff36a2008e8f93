"""Disputes beside the evidence log: statements word by word, conclusions and rulings (R41, R120)."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import Discrepancy, batches, differences, recorded
from exchange.disputes.models import Conclusion, Dispute, Statement
from schemas.canonical import sha256_hex

_STATED = ("dispute.raised", "dispute.stated", "dispute.asked", "dispute.escalated", "dispute.withdrawn")
_CONCLUDED = ("dispute.concluded", "dispute.ruled")


def dispute_facts(dispute: Dispute) -> dict[str, object]:
    """What a dispute says of itself, as ``dispute.raised`` records it."""
    return {"number": dispute.number, "answer_round": dispute.answer_round}


def statements_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Statements whose words no entry records."""
    for batch in batches(session, select(Statement), Statement.id):
        names = {f"dispute/{row.dispute_id}" for row in batch}
        entries = recorded(session, Evidence.subject, names, _STATED, personal_details)
        for row in entries.known(batch, _dispute):
            subject, now = f"dispute/{row.dispute_id}", sha256_hex(row.text.encode())
            of_row = [each.after for each in entries.get(subject, []) if each.after.get("statement") == str(row.id)]
            if not of_row:
                yield Discrepancy(subject, f"No entry records the statement {row.id} of {subject}.", found="row")
            for after in of_row:
                found = {"digest": now, "asked": str(row.asked_id) if row.asked_id else None}
                yield from differences(subject, found, {"asked": None, **after})


def conclusions_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Conclusions and rulings that do not say what was concluded."""
    for batch in batches(session, select(Conclusion), Conclusion.id):
        names = {f"dispute/{row.dispute_id}" for row in batch}
        entries = recorded(session, Evidence.subject, names, _CONCLUDED, personal_details)
        for row in entries.known(batch, _dispute):
            subject = f"dispute/{row.dispute_id}"
            kind = "dispute.ruled" if row.is_ruling else "dispute.concluded"
            of_row = [each for each in entries.get(subject, []) if each.after.get("number") == row.number]
            if not any(each.kind == kind for each in of_row):
                yield Discrepancy(subject, f"No entry {kind} records {row.number} of {subject}.", found="row")
            found = {
                "outcome": row.outcome,
                "digest": sha256_hex(row.text.encode()),
                "document": row.document,
                "concluded_on": row.concluded_on.isoformat(),
            }
            for each in of_row:
                yield from differences(subject, found, each.after)


def _dispute(row: Statement | Conclusion) -> str:
    return f"dispute/{row.dispute_id}"
