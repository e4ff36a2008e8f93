"""Submitting a version for review ([M] Art. 10¶2)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now
from audit.actor import Actor
from audit.append import append
from directory.catalogue.change import note_handed_in
from directory.catalogue.content import checked_content, content_digest, entry_of, items_of
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import locked_version
from directory.catalogue.states import Step, move
from directory.permissions import require
from directory.permissions import submit_version as may_submit


def submit_version(
    session: Session, actor: Actor, version_id: uuid.UUID, *, expected: int | None = None
) -> ResourceVersion:
    """Hand a draft or returned version to the reviewers. What earlier reviewers said stays with it (R27).

    Raises:
        NotAllowed: the actor does not compile for the entry's agency.
        NotFound: there is no such version.
        InvalidInput: the content does not keep to the profile that is in force now.
        Conflict: the form is stale, or the version is neither draft nor returned.
    """
    version = locked_version(session, version_id, expected)
    subject = f"resource_version/{version_id}"
    require(may_submit(actor, version.resource.agency_id), "resource.submitted", subject)
    move(version, Step.SUBMIT)
    checked_content(session, version.resource.agency_id, entry_of(version), items_of(version))
    now = case_now(session)
    version.submitted_at = now
    session.flush()
    facts = {"revision": version.revision, "digest": content_digest(version)}
    append(session, "resource.submitted", subject, actor, after=facts, authority="[M] Art. 10", case_time=now)
    note_handed_in(session, actor, version.resource_id)
    return version
