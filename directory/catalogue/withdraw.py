"""Withdrawing a version: an unfinished one is dropped, a published one goes out of force (已撤销)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory.catalogue.change import close
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.publish import Hook
from directory.catalogue.queries import locked_version
from directory.catalogue.states import Step, move
from directory.permissions import require
from directory.permissions import withdraw_version as may_withdraw

on_withdrawn: list[Hook] = []
"""What rooms above do when a published version goes out of force, in the same transaction, such as ending grants."""


def withdraw_version(
    session: Session, actor: Actor, version_id: uuid.UUID, *, reason: str, expected: int | None = None
) -> ResourceVersion:
    """Withdraw a version; its code is never given again.

    Raises:
        NotAllowed: the actor may not; a published version takes a reviewer of the agency.
        NotFound: there is no such version.
        InvalidInput: no reason.
        Conflict: the form is stale, or the version has ended already.
    """
    version = locked_version(session, version_id, expected, lock_resource=True)
    published = version.state == VersionState.PUBLISHED
    subject = f"resource_version/{version_id}"
    require(may_withdraw(actor, version.resource.agency_id, published), "resource.withdrawn", subject)
    why = prose(reason, "/reason", most=1000)
    before = {"state": version.state}
    move(version, Step.WITHDRAW)
    version.ended_at = now = case_now(session)
    session.flush()
    after, told = {"code": version.resource.code, "number": version.number}, {"reason": why}
    append(session, "resource.withdrawn", subject, actor, before=before, after=after, personal=told, case_time=now)
    if published:
        close(session, actor, version.resource_id, withdrawn=True)
        for hook in on_withdrawn:
            hook(session, actor, version)
    return version
