"""Reviewing versions, entry by entry, for accuracy, completeness and compliance ([M] Art. 10¶2; R24 to R27)."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.errors import InvalidInput, Sentence
from adapters.texts import line, prose
from audit.actor import Actor
from audit.append import append
from directory.catalogue.content import content_digest
from directory.catalogue.models import ResourceVersion, Review
from directory.catalogue.queries import locked_version
from directory.catalogue.states import Step, move
from directory.permissions import require
from directory.permissions import review_version as may_review
from schemas.canonical import digest
from schemas.rule_sets import rule_set

MOST_REASONS = 100


def approve_version(
    session: Session, actor: Actor, version_id: uuid.UUID, *, comment: str = "", expected: int | None = None
) -> Review:
    """Approve a submitted version: accurate, complete and compliant.

    Raises:
        NotAllowed: the actor does not review for the agency, or compiled the version.
        NotFound: there is no such version.
        Conflict: the form is stale, or the version is not submitted.
    """
    version = _reviewed(session, actor, version_id, expected, "resource.approved")
    move(version, Step.APPROVE)
    review = _record(session, actor, version, (True, True, True), comment, [])
    facts = {"revision": version.revision, "digest": content_digest(version)}
    _note(session, actor, version, "resource.approved", facts)
    return review


def return_version(
    session: Session,
    actor: Actor,
    version_id: uuid.UUID,
    *,
    reasons: Sequence[Mapping[str, Any]],
    accurate: bool = True,
    complete: bool = True,
    compliant: bool = True,
    comment: str = "",
    expected: int | None = None,
) -> Review:
    """Return a submitted version for change, with reasons per field.

    Args:
        reasons: ``[{"path": "items/3/share_condition", "reason": "…"}]``, 1 to 100.
        accurate, complete, compliant: the three criteria; at least one is not met.

    Raises:
        NotAllowed: the actor does not review for the agency, or compiled the version.
        NotFound: there is no such version.
        InvalidInput: no reason, or no criterion that is not met.
        Conflict: the form is stale, or the version is not submitted.
    """
    version = _reviewed(session, actor, version_id, expected, "resource.returned")
    criteria = (accurate, complete, compliant)
    if all(criteria):
        sentence = "A version is returned because it is not accurate, complete or compliant. Mark which."
        raise InvalidInput("review.criterion", sentence, [{"pointer": "/accurate", "message": sentence}])
    checked = _checked_reasons(reasons)
    move(version, Step.RETURN)
    review = _record(session, actor, version, criteria, comment, checked)
    facts = {
        "revision": version.revision,
        "accurate": accurate,
        "complete": complete,
        "compliant": compliant,
        "paths": [reason["path"] for reason in checked],
    }
    _note(session, actor, version, "resource.returned", facts, {"reasons_digest": digest(checked)})
    return review


def _reviewed(
    session: Session, actor: Actor, version_id: uuid.UUID, expected: int | None, kind: str
) -> ResourceVersion:
    version = locked_version(session, version_id, expected)
    separate = rule_set(version.rule_set).step("separate_reviewer_required")
    compilers = [uuid.UUID(compiler) for compiler in version.compilers]
    decision = may_review(actor, version.resource.agency_id, compilers, separate)
    require(decision, kind, f"resource_version/{version_id}")
    return version


def _record(
    session: Session,
    actor: Actor,
    version: ResourceVersion,
    criteria: tuple[bool, bool, bool],
    comment: str,
    reasons: list[dict[str, str]],
) -> Review:
    accurate, complete, compliant = criteria
    review = Review(
        reviewer_id=actor.person_id,
        revision=version.revision,
        accurate=accurate,
        complete=complete,
        compliant=compliant,
        comment=prose(comment, "/comment", most=2000, optional=True),
        reasons=reasons,
    )
    version.reviews.append(review)
    session.flush()
    return review


def _checked_reasons(reasons: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    if not isinstance(reasons, list | tuple) or not 1 <= len(reasons) <= MOST_REASONS:
        sentence = "Give 1 to {most} reasons, each with the field it is about."
        problem = {"pointer": "/reasons", "message": Sentence(sentence, most=MOST_REASONS)}
        raise InvalidInput("review.reasons", sentence, [problem], most=MOST_REASONS)
    if not all(isinstance(reason, Mapping) for reason in reasons):
        raise InvalidInput("review.reasons_shape", "A reason has the path of a field, and the reason itself.")
    return [
        {
            "path": line(reason.get("path"), f"/reasons/{number}/path", most=200),
            "reason": prose(reason.get("reason"), f"/reasons/{number}/reason", most=1000),
        }
        for number, reason in enumerate(reasons)
    ]


def _note(
    session: Session,
    actor: Actor,
    version: ResourceVersion,
    kind: str,
    facts: dict[str, Any],
    told: dict[str, Any] | None = None,
) -> None:
    subject, now = f"resource_version/{version.id}", case_now(session)
    append(session, kind, subject, actor, after=facts, personal=told, authority="[M] Art. 10", case_time=now)
