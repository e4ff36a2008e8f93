"""Open the grant of an answered application ([M] Art. 15; R42, R121)."""

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from audit.actor import HUB, Actor
from directory.catalogue.queries import published_version, resource
from exchange.agreements.models import Agreement
from exchange.applications.decisions import agreed_items
from exchange.applications.models import Application
from exchange.grants.ended import end_grant
from exchange.grants.models import Grant, GrantState, Suspender
from exchange.grants.recorded import record_opened, record_suspended
from exchange.grants.reexamine import suspend_if_lost
from exchange.numbers.allocate import Document, next_number


def open_grant(session: Session, actor: Actor, application: Application, agreement: Agreement | None = None) -> Grant:
    """Open a grant for the items agreed to so far, from today to the application's term.

    A narrower grant of the same application ends; the rows it has used, and a suspension, go over to the new one. When
    the catalogue has changed meanwhile so that an item is no longer offered, the grant opens suspended. It waits for a
    version that is being published or withdrawn just now.

    Args:
        agreement: the agreement in force, where the items are sensitive.
    """
    resource(session, application.resource_version.resource_id, steady=True)
    narrower = newest(session, Grant.application_id == application.id)
    number = next_number(session, application.provider, Document.GRANT)
    grant = Grant(
        id=uuid.uuid4(),
        number=number,
        state=GrantState.ACTIVE,
        resource_id=application.resource_version.resource_id,
        resource_version_id=application.resource_version_id,
        requester_id=application.requester_id,
        provider_id=application.provider_id,
        application_id=application.id,
        agreement=agreement,
        agreement_id=agreement.id if agreement else None,
        items=[item.field_name for item in agreed_items(application)],
        row_condition=dict(application.row_condition),
        modes=list(application.modes),
        purpose=application.purpose,
        quota_rows=application.quota_rows,
        used_rows=0,
        valid_from=case_today(session),
        valid_to=application.term_to,
    )
    put_into_force(session, actor, grant, narrower, f"application/{application.number}")
    suspend_if_lost(session, grant, published_version(session, grant.resource_id))
    return grant


def newest(session: Session, *of: ColumnElement[bool]) -> Grant | None:
    """The newest grant that meets the conditions, living or ended, locked: the one whose place a new one takes."""
    grants = select(Grant).where(*of).order_by((Grant.state != GrantState.ENDED).desc(), Grant.created_at.desc())
    return session.scalar(grants.limit(1).with_for_update().execution_options(populate_existing=True))


def put_into_force(session: Session, actor: Actor, grant: Grant, former: Grant | None, authority: str) -> None:
    """Keep a new grant and end the one whose place it takes.

    What was used counts on. A suspension by a person counts on too; one by the hub is looked at anew by the caller.
    Of a former grant that has ended already, its use and a stop by security count on.
    """
    if former is not None:
        grant.used_rows = former.used_rows
        by, reason = Suspender(former.suspended_by), former.state_reason
        if former.state == GrantState.ENDED:
            reason = f"A security administrator stopped {former.number}. That holds until security resumes this one."
        end_grant(session, actor, former, f"Replaced by {grant.number}.")
    session.add(grant)
    session.flush()
    record_opened(session, actor, grant, authority)
    if former is not None and by in (Suspender.PROVIDER, Suspender.SECURITY):
        record_suspended(session, HUB, grant, by, reason)
