"""Entries about accounts and programs that may not come in whatever they show: one for each reason in ten minutes.

What is tried again within them is counted with the strangers' refusals, so that nobody floods the evidence log.
"""

from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.actor import Actor
from audit.append import append
from audit.models import Evidence

AGAIN = timedelta(minutes=10)


def turn_away(session: Session, kind: str, subject: str, reason: str, address: str) -> bool:
    """Write the entry of a refusal; whether it was written, or is told by one of the last ten minutes.

    Args:
        subject: the account or program; the caller has locked its row.
        address: the caller's network address, for the encrypted part of the evidence.
    """
    stated = f'"reason":"{reason}"'.encode().hex()
    told = exists().where(
        Evidence.subject == subject,
        Evidence.kind == kind,
        Evidence.recorded_at >= system_now() - AGAIN,
        func.strpos(func.encode(Evidence.body, "hex"), stated) > 0,
    )
    if session.scalar(select(told)):
        return False
    append(session, kind, subject, Actor(address=address), outcome="REFUSED", after={"reason": reason})
    return True
