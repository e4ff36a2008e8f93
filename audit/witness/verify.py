"""Stored cosignatures against the stored checkpoints: which witnesses of a policy agree, and up to which entry.

The checkpoints themselves are compared with the entries by ``audit.verify``; a cosignature that does not fit its
checkpoint shows that the log's own keys signed two histories.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from audit.keys import VerifierKey
from audit.models import LogCheckpoint
from audit.note import Note
from audit.report import Finding, Report
from audit.witness.collect import key_hash
from audit.witness.models import CONTRADICTIONS, LogCosignature, LogWitness
from audit.witness.policy import Policy


def verify_cosignatures(session: Session, policy: Policy, report: Report) -> None:
    """Check every stored cosignature of the policy's witnesses; findings and sizes go into the report."""
    sizes = {}
    for witness in policy.witnesses.values():
        identity = key_hash(witness.key)
        sizes[witness.name] = _largest_right(session, witness.name, witness.key, report)
        row = session.get(LogWitness, identity)
        if row and row.problem in CONTRADICTIONS:
            sentence = f"The witness {witness.name} says since {row.problem_since} that this log is not what it was."
            report.add(Finding("witness_refused", sentence, None, None, "", row.problem))
    report.witnesses = sizes
    report.agreed_size = policy.agreed_size(sizes)
    if report.agreed_size == 0 and not policy.agreed(()):
        sentence = "Not enough witnesses agree to any checkpoint of this log."
        report.add(Finding("quorum_missing", sentence, None, None, policy.quorum, str(sizes)))


def _largest_right(session: Session, name: str, key: VerifierKey, report: Report) -> int:
    statement = (
        select(LogCosignature.size, LogCosignature.line, LogCheckpoint.note)
        .outerjoin(LogCheckpoint, LogCheckpoint.size == LogCosignature.size)
        .where(LogCosignature.key_hash == key_hash(key))
        .order_by(LogCosignature.size)
        .execution_options(yield_per=1_000)
    )
    largest = 0
    for size, line, note in session.execute(statement):
        if not note:
            sentence = f"The witness {name} cosigned a checkpoint of {size} entries that is not there any more."
            report.add(Finding("cosigned_checkpoint_missing", sentence, None, None, f"{size} entries"))
        elif _fits(note, line, key):
            largest = size
        else:
            sentence = f"The witness {name} cosigned another checkpoint of {size} entries than the one that is stored."
            report.add(Finding("cosignature_wrong", sentence, None, None, f"{size} entries"))
    return largest


def _fits(note: str, line: str, key: VerifierKey) -> bool:
    try:
        return Note.parse(f"{note}{line}").is_signed_by(key)
    except InvalidInput:
        return False
