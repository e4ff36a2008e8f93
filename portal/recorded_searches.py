"""What an auditor looks for, or at, is an entry itself (R51, R120).

Looking without a condition asks nothing about anybody and leaves no entry, nor does an agency that reads its own. The
same search by the same person again within ten minutes (its next page, a page loaded anew, a way back) is the one
before, and so is the same entry looked at again. A search for something unknown, which may be personal and is
encrypted, is an entry each time.
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
LOOKS = ("evidence.searched", "evidence.subject_searched", "evidence.entry_viewed", "evidence.exported")


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
    if not hidden and _made_before(session, actor, "evidence.searched", subject):
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


def record_entry_viewed(session: Session, actor: Actor, row: Evidence) -> None:
    """Write the entry of a look at an entry that is not of the reader's own agency.

    Looks themselves are left out: an entry about them would have its own look, and so on.
    """
    own = row.agency_code == actor.agency_code
    subject = f"evidence/{row.id}"
    if not actor.has(*READERS) or own or row.kind in LOOKS:
        return
    if not _made_before(session, actor, "evidence.entry_viewed", subject):
        append(session, "evidence.entry_viewed", subject, actor, matter=row.matter)


def _made_before(session: Session, actor: Actor, kind: str, subject: str) -> bool:
    """Whether the person did the same in the last ten minutes."""
    same = (Evidence.subject == subject) & (Evidence.kind == kind) & (Evidence.person_id == actor.person_id)
    return bool(session.scalar(select(exists().where(same & (Evidence.recorded_at >= system_now() - AGAIN)))))
