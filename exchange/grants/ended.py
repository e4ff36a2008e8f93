"""What ends a grant in the books; who may do it is decided by the callers."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_now, system_now
from audit.actor import Actor
from audit.append import append
from exchange.applications.models import Application
from exchange.grants.models import Grant, GrantState, Suspender


def matter_of(grant: Grant) -> str:
    """The case that evidence about a grant is filed under; a standing grant belongs to none."""
    return f"application/{grant.application_id}" if grant.application_id else ""


def end_grant(session: Session, actor: Actor, grant: Grant, reason: str) -> None:
    """End a grant for good; one that has ended is left alone. What security stopped stays so for its successor."""
    if grant.state == GrantState.ENDED:
        return
    before = {"state": grant.state}
    grant.state = GrantState.ENDED
    if grant.suspended_by != Suspender.SECURITY:
        grant.suspended_by = Suspender.NOBODY
    grant.ended_at, grant.state_reason = system_now(), reason
    session.flush()
    append(
        session,
        "grant.ended",
        f"grant/{grant.id}",
        actor,
        matter=matter_of(grant),
        before=before,
        after={"state": grant.state, "number": grant.number},
        personal={"reason": reason},
        case_time=case_now(session),
    )


def end_grants(session: Session, actor: Actor, application: Application, reason: str) -> None:
    """End the grant of an application that lives."""
    living = Grant.state != GrantState.ENDED
    found = select(Grant).where(Grant.application_id == application.id, living).with_for_update()
    for grant in session.scalars(found).all():
        end_grant(session, actor, grant, reason)
