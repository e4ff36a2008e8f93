"""Look again at grants when the catalogue changes: the measures are silent, this is our reading (R121, silence 4)."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.actor import HUB, Actor
from directory.catalogue.models import ResourceVersion
from exchange.grants.ended import end_grant
from exchange.grants.models import Grant, GrantState, Suspender
from exchange.grants.offered import lost_of
from exchange.grants.recorded import record_suspended


def reexamine_grants(session: Session, actor: Actor, version: ResourceVersion) -> int:
    """Suspend every applied grant whose items the newly published version no longer offers.

    Args:
        actor: who published; the suspension itself is the hub's.
        version: the version that was published.

    Returns:
        how many were suspended.
    """
    return _suspend_lost(session, version.resource_id, version)


def withdraw_grants(session: Session, actor: Actor, version: ResourceVersion) -> int:
    """After a published version was withdrawn: end the standing grant, suspend the applied ones.

    Returns:
        how many applied grants were suspended.
    """
    standing = select(Grant).where(
        Grant.resource_id == version.resource_id, Grant.requester_id.is_(None), Grant.state != GrantState.ENDED
    )
    for grant in session.scalars(standing.with_for_update()).all():
        end_grant(session, HUB, grant, "The catalogue entry was withdrawn.")
    return _suspend_lost(session, version.resource_id, None)


def suspend_if_lost(session: Session, grant: Grant, version: ResourceVersion | None) -> bool:
    """Suspend an active grant when the catalogue no longer offers an item it names; whether it did."""
    if grant.state != GrantState.ACTIVE:
        return False
    missing = lost_of(grant, version)
    if not missing:
        return False
    told = "; ".join(f"{name}: {why}" for name, why in missing[:20])
    record_suspended(session, HUB, grant, Suspender.HUB, f"The catalogue has changed: {told}.")
    return True


def _suspend_lost(session: Session, resource_id: uuid.UUID, version: ResourceVersion | None) -> int:
    active = select(Grant).where(
        Grant.resource_id == resource_id, Grant.requester_id.is_not(None), Grant.state == GrantState.ACTIVE
    )
    grants = session.scalars(active.order_by(Grant.id).with_for_update()).all()
    return sum(suspend_if_lost(session, grant, version) for grant in grants)
