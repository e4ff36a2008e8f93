"""What an auditor looks for is an entry itself: one for each search, not for its next pages (R51, R120).

Looking without a condition asks nothing about anybody and leaves no entry, nor does an agency that reads its own. The
same search by the same person again within ten minutes (a page loaded anew, a way back) is the one before.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.actor import Actor
from audit.append import append
from audit.models import Evidence
from portal.evidence_filters import READERS
from schemas.canonical import digest

AGAIN = timedelta(minutes=10)


def record_search(
    session: Session,
    actor: Actor,
    what: str,
    stated: Mapping[str, str],
    unknown: Mapping[str, str] | None = None,
    matter: str = "",
) -> None:
    """Write the entry of a search that somebody makes who may read all evidence.

    Args:
        what: ``search``, ``timeline`` or ``month``.
        stated: the conditions, as values that are nobody's personal details.
        unknown: conditions that name nothing known, and may be personal; they are encrypted beside the entry.
        matter: the case that is looked at.
    """
    hidden = dict(unknown or {})
    if not actor.has(*READERS) or not (stated or hidden):
        return
    asked = {"what": what, "asked": dict(stated), "unknown": sorted(hidden)}
    subject = f"search/{digest(asked)[:32]}"
    if not hidden and _made_before(session, actor, subject):
        return
    append(
        session,
        "evidence.searched",
        subject,
        actor,
        matter=matter,
        after=asked,
        personal={"asked": hidden} if hidden else None,
    )


def _made_before(session: Session, actor: Actor, subject: str) -> bool:
    """Whether the person made the same search in the last ten minutes."""
    since = system_now() - AGAIN
    same = (Evidence.subject == subject) & (Evidence.person_id == actor.person_id) & (Evidence.recorded_at >= since)
    return bool(session.scalar(select(exists().where(same))))
