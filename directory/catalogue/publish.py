"""Publishing a reviewed version: it comes into force and supersedes the former one ([M] Art. 10¶2, 19; R26, R52)."""

import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import append
from directory.catalogue.change import close
from directory.catalogue.content import content_digest
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import locked_version, published_version
from directory.catalogue.secrecy import secrecy_passed
from directory.catalogue.states import Step, after, move
from directory.permissions import publish_version as may_publish
from directory.permissions import require
from schemas.rule_sets import rule_set

Hook = Callable[[Session, Actor, ResourceVersion], None]
on_published: list[Hook] = []
"""What rooms above do when a version comes into force, in the same transaction, such as making the standing grant."""


def publish_version(
    session: Session, actor: Actor, version_id: uuid.UUID, *, expected: int | None = None
) -> ResourceVersion:
    """Publish an approved version whose present content passed both reviews.

    Raises:
        NotAllowed: the actor neither compiles nor reviews for the agency.
        NotFound: there is no such version.
        Conflict: the form is stale, the version is not approved, or a review of its present content is missing.
    """
    version = locked_version(session, version_id, expected, lock_resource=True)
    subject = f"resource_version/{version_id}"
    require(may_publish(actor, version.resource.agency_id), "resource.published", subject)
    in_force = after(version, Step.PUBLISH)
    _check_reviews(version, subject)
    former, now = published_version(session, version.resource_id, lock=True), case_now(session)
    if former is not None:
        move(former, Step.SUPERSEDE)
        former.ended_at = now
        session.flush()
        by = {"by": subject, "code": former.resource.code, "number": former.number}
        append(session, "resource.superseded", f"resource_version/{former.id}", actor, after=by, case_time=now)
    version.state, version.published_at = in_force, now
    session.flush()
    facts = {
        "code": version.resource.code,
        "number": version.number,
        "revision": version.revision,
        "share_attribute": version.share_attribute,
        "digest": content_digest(version),
        "supersedes": str(former.id) if former else None,
    }
    append(session, "resource.published", subject, actor, after=facts, authority="[M] Art. 10", case_time=now)
    close(session, actor, version.resource_id)
    for hook in on_published:
        hook(session, actor, version)
    return version


def _check_reviews(version: ResourceVersion, subject: str) -> None:
    last = version.reviews[-1] if version.reviews else None
    if last is None or last.revision != version.revision or not (last.accurate and last.complete and last.compliant):
        error = Conflict("version.not_reviewed", "What this version says now was not approved. Have it reviewed first.")
        raise error.refused("resource.published", subject)
    if rule_set(version.rule_set).step("secrecy_review_required") and not secrecy_passed(version):
        sentence = "What this version says now has not passed your agency's secrecy review. Have it reviewed first."
        raise Conflict("version.no_secrecy_review", sentence).refused("resource.published", subject)
