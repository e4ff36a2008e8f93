"""Suspend a grant: the door stays shut until it is resumed (R48)."""

import uuid

from sqlalchemy.orm import Session

from adapters.errors import Conflict
from adapters.texts import prose
from audit.actor import Actor
from directory import permissions
from exchange.grants import load
from exchange.grants.ended import matter_of
from exchange.grants.models import Grant, GrantState, Suspender
from exchange.grants.recorded import record_suspended


def suspend(session: Session, actor: Actor, grant_id: uuid.UUID, *, reason: str, found: str = "") -> Grant:
    """Suspend an active grant. What the security administrator suspends, the provider cannot resume.

    A security administrator may also take over a suspension that the provider or the hub made.

    Args:
        found: what was found unusual (``anomaly/…``), named by the entry as its authority; for it the auditor may
            suspend too, and only a security administrator resumes. The caller has checked that it is about this grant.

    Raises:
        NotAllowed: neither the provider nor a guard of security, nor the auditor with what was found.
        Conflict: it is suspended already, or has ended.
        InvalidInput: no reason.
    """
    grant = load.locked(session, grant_id)
    may = load.may_stop_for(actor, grant) if found else load.may_stop(actor, grant)
    permissions.require(may, "grant.suspended", f"grant/{grant.id}", matter_of(grant))
    load.require_living(grant)
    security = found or load.is_security(actor, grant.provider_id)
    by = Suspender.SECURITY if security else Suspender.PROVIDER
    if grant.state == GrantState.SUSPENDED and (by is not Suspender.SECURITY or grant.suspended_by == by):
        raise Conflict("grant.suspended", "This grant is suspended already. Its page names the reason.")
    record_suspended(session, actor, grant, by, prose(reason, "/reason", most=4_000), authority=found)
    return grant
