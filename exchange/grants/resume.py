"""Resume a suspended grant."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import Conflict, NotAllowed
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.catalogue.queries import published_version
from exchange.grants import load
from exchange.grants.ended import matter_of
from exchange.grants.models import Grant, GrantState, Suspender
from exchange.grants.offered import lost_of


def resume(session: Session, actor: Actor, grant_id: uuid.UUID, *, reason: str) -> Grant:
    """Let a suspended grant live again; it waits for a version that is being published or withdrawn just now.

    Raises:
        NotAllowed: not the actor's to resume; what security suspended, only security resumes.
        Conflict: it is not suspended, its term is over, or the catalogue no longer offers one of its items.
        InvalidInput: no reason.
    """
    grant = load.locked(session, grant_id, steady=True)
    subject, matter = f"grant/{grant.id}", matter_of(grant)
    permissions.require(load.may_stop(actor, grant), "grant.resumed", subject, matter)
    if grant.suspended_by == Suspender.SECURITY and not load.is_security(actor, grant.provider_id):
        raise NotAllowed(
            "grant.suspended_by_security",
            "This grant is suspended for security. Ask the security administrator to resume it.",
        ).refused("grant.resumed", subject, matter)
    _require_resumable(session, grant)
    why = prose(reason, "/reason", most=4_000)
    before = {"state": grant.state, "by": grant.suspended_by}
    grant.state, grant.suspended_by, grant.state_reason = GrantState.ACTIVE, Suspender.NOBODY, ""
    session.flush()
    append(
        session,
        "grant.resumed",
        subject,
        actor,
        matter=matter,
        before=before,
        after={"state": grant.state, "number": grant.number},
        personal={"reason": why},
        case_time=case_now(session),
    )
    return grant


def _require_resumable(session: Session, grant: Grant) -> None:
    load.require_living(grant)
    if grant.state != GrantState.SUSPENDED:
        raise Conflict("grant.not_suspended", "This grant is not suspended; it can be used.")
    if grant.valid_to is not None and city_date(case_now(session)) > grant.valid_to:
        raise Conflict("grant.term_over", "The term of this grant is over. Apply anew if the data is still needed.")
    missing = lost_of(grant, published_version(session, grant.resource_id))
    if missing:
        raise Conflict(
            "grant.not_offered",
            "The published catalogue does not offer these items of the grant: {items}. Publish them again, or end the "
            "grant and let the requester apply anew.",
            items=", ".join(name for name, _ in missing),
        )
