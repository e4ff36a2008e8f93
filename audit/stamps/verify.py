"""Stored time-stamps against the stored checkpoints."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from audit.log_keys import LogKeys
from audit.models import LogCheckpoint
from audit.report import Finding, Report
from audit.stamps.models import LogStamp
from audit.stamps.token import Authority, stamped_text


def verify_stamps(session: Session, authority: Authority | None, keys: LogKeys, report: Report) -> None:
    """Check every stored stamp; counts and findings go into the report.

    Args:
        authority: whose stamps they must be; None leaves them unchecked, which the report says.
    """
    statement = (
        select(LogStamp.hour, LogStamp.token, LogStamp.stamped_at, LogStamp.size, LogCheckpoint.note)
        .outerjoin(LogCheckpoint, LogCheckpoint.size == LogStamp.size)
        .where(LogStamp.token.is_not(None))
        .order_by(LogStamp.hour)
        .execution_options(yield_per=1_000)
    )
    for hour, token, stamped_at, size, note in session.execute(statement):
        if authority is None or token is None:
            report.unchecked_stamps += 1
            continue
        try:
            right = bool(note) and authority.checked(token, stamped_text(note, keys)) == stamped_at
            reason = "" if right else "its checkpoint is gone, or its moment was changed"
        except InvalidInput as error:
            reason = str(error)
        if reason:
            sentence = f"The time-stamp of {hour:%Y-%m-%d %H:%M} UTC on the checkpoint of {size} entries: {reason}"
            report.add(Finding("stamp_wrong", sentence))
        else:
            report.stamps += 1
