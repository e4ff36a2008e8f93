"""The providing agency's own secrecy review, before anything is published ([M] Art. 19; R52)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.errors import InvalidInput
from adapters.texts import line, prose
from audit.actor import Actor
from audit.append import append
from directory.catalogue.content import content_digest
from directory.catalogue.models import ResourceVersion, SecrecyReview
from directory.catalogue.queries import locked_version
from directory.catalogue.states import Step, move
from directory.permissions import require
from directory.permissions import review_secrecy as may_review_secrecy
from schemas.rule_sets import rule_set


def review_secrecy(
    session: Session,
    actor: Actor,
    version_id: uuid.UUID,
    *,
    passed: bool,
    document: str,
    comment: str = "",
    expected: int | None = None,
) -> SecrecyReview:
    """Record a secrecy review of a submitted or approved version; one that fails returns the version for change.

    It counts for what the version says now: after a change there has to be another.

    Args:
        document: number of the paper on which the review is recorded (保密审查表).
        comment: what was found; required when it failed.

    Raises:
        NotAllowed: the actor does not review secrecy for the agency, or compiled the version.
        NotFound: there is no such version.
        InvalidInput: no document, or no comment on a failure.
        Conflict: the form is stale, or the version is neither submitted nor approved.
    """
    version = locked_version(session, version_id, expected)
    kind = "secrecy_review.passed" if passed else "secrecy_review.failed"
    subject = f"resource_version/{version_id}"
    separate = rule_set(version.rule_set).step("separate_reviewer_required")
    compilers = [uuid.UUID(compiler) for compiler in version.compilers]
    require(may_review_secrecy(actor, version.resource.agency_id, compilers, separate), kind, subject)
    move(version, Step.PASS_SECRECY if passed else Step.FAIL_SECRECY)
    review = SecrecyReview(
        reviewer_id=actor.person_id,
        revision=version.revision,
        passed=passed,
        document=line(document, "/document", most=200),
        comment=_checked_comment(comment, passed),
    )
    version.secrecy_reviews.append(review)
    session.flush()
    facts = {"revision": version.revision, "digest": content_digest(version), "document": review.document}
    append(session, kind, subject, actor, after=facts, authority="[M] Art. 19", case_time=case_now(session))
    return review


def secrecy_passed(version: ResourceVersion) -> bool:
    """Whether the latest secrecy review of what the version says now passed it."""
    now = [review for review in version.secrecy_reviews if review.revision == version.revision]
    return bool(now) and now[-1].passed


def _checked_comment(comment: str, passed: bool) -> str:
    text = prose(comment, "/comment", most=2000, optional=True)
    if not passed and not text:
        sentence = "Say why the version failed, so that its compiler can mend it."
        raise InvalidInput("secrecy_review.comment", sentence, [{"pointer": "/comment", "message": sentence}])
    return text
