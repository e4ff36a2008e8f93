"""What ends an agreement in the books; who may do it is decided by the callers."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_now, system_now
from audit.actor import Actor
from audit.append import append
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications.models import Application


def end_agreement(session: Session, actor: Actor, agreement: Agreement, reason: str) -> None:
    """Terminate an agreement that waits for signatures or is in force; one that has ended is left alone."""
    if agreement.state == AgreementState.TERMINATED:
        return
    before = {"state": agreement.state}
    agreement.state = AgreementState.TERMINATED
    agreement.terminated_at, agreement.termination_reason = system_now(), reason
    session.flush()
    append(
        session,
        "agreement.terminated",
        f"agreement/{agreement.id}",
        actor,
        matter=f"application/{agreement.application_id}",
        before=before,
        after={"state": agreement.state, "number": agreement.number},
        personal={"reason": reason},
        case_time=case_now(session),
    )


def end_agreements(session: Session, actor: Actor, application: Application, reason: str) -> None:
    """Terminate every agreement of an application that has not ended."""
    living = Agreement.state != AgreementState.TERMINATED
    found = select(Agreement).where(Agreement.application_id == application.id, living).with_for_update()
    for agreement in session.scalars(found).all():
        end_agreement(session, actor, agreement, reason)
