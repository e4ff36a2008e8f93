"""The requester withdraws an application; what lives under it ends with it."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from exchange.agreements.ended import end_agreements
from exchange.applications import load
from exchange.applications.models import Application
from exchange.applications.states import Event, advance, require
from exchange.disputes.models import Dispute, DisputeState, Statement
from exchange.disputes.state import record
from exchange.grants.ended import end_grants


def withdraw(session: Session, actor: Actor, application_id: uuid.UUID, *, reason: str) -> Application:
    """Withdraw an application in any state but CLOSED: its grant, agreements and open dispute end too.

    Raises:
        NotAllowed: not the requester.
        Conflict: it is closed already.
    """
    application = load.locked(session, application_id)
    subject = load.subject(application)
    permission = permissions.act_for_requester(actor, application.requester_id)
    permissions.require(permission, "application.withdrawn", subject, subject)
    require(application.state, Event.WITHDRAWN)
    why = prose(reason, "/reason", most=4_000)
    before = {"state": application.state}
    end_grants(session, actor, application, why)
    end_agreements(session, actor, application, why)
    _withdraw_dispute(session, actor, application, why)
    application.state = advance(application.state, Event.WITHDRAWN)
    application.state_reason = why
    session.flush()
    append(
        session,
        "application.withdrawn",
        subject,
        actor,
        matter=subject,
        before=before,
        after={"state": application.state},
        personal={"reason": why},
        case_time=case_now(session),
    )
    return application


def _withdraw_dispute(session: Session, actor: Actor, application: Application, why: str) -> None:
    still_open = Dispute.state.in_([DisputeState.OPEN, DisputeState.ESCALATED])
    found = select(Dispute).where(Dispute.application_id == application.id, still_open).with_for_update()
    for dispute in session.scalars(found.execution_options(populate_existing=True)).all():
        dispute.state = DisputeState.WITHDRAWN
        words = Statement(agency_id=actor.agency_id, person_id=actor.person_id, text=why)
        record(session, actor, dispute, words, "dispute.withdrawn")
