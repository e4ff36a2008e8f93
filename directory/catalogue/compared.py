"""The catalogue beside the evidence log: what versions say and belong to, and each review of them (R120)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import Discrepancy, batches, differences, recorded
from directory.catalogue.content import content_digest
from directory.catalogue.models import ResourceVersion, Review, SecrecyReview
from schemas.canonical import digest

_REVIEWED = ("resource.approved", "resource.returned")
_SECRECY = ("secrecy_review.passed", "secrecy_review.failed")
_MET = {"accurate": True, "complete": True, "compliant": True}
_MEANS: Mapping[str, Mapping[str, Any]] = {
    "resource.approved": _MET,
    "resource.returned": {},
    "secrecy_review.passed": {"passed": True},
    "secrecy_review.failed": {"passed": False},
}


def version_facts(version: ResourceVersion) -> dict[str, object]:
    """What a catalogue version says and whose it is, as its last drafting or editing recorded it."""
    return {
        "digest": content_digest(version),
        "code": version.resource.code,
        "agency_id": str(version.resource.agency_id),
        "number": version.number,
        "revision": version.revision,
        "compilers": version.compilers,
        "rule_set": version.rule_set,
        "changed_on": version.changed_on.isoformat() if version.changed_on else None,
    }


def reviews_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Versions whose reviews are not those that entries record, one by one."""
    rows = select(ResourceVersion).options(selectinload(ResourceVersion.reviews))
    for version, stated in _with_entries(session, rows, _REVIEWED):
        facts = [_review_facts(review) for review in version.reviews]
        yield from _one_by_one(_name(version), "review", facts, stated)


def secrecy_reviews_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Versions whose secrecy reviews are not those that entries record, one by one."""
    rows = select(ResourceVersion).options(selectinload(ResourceVersion.secrecy_reviews))
    for version, stated in _with_entries(session, rows, _SECRECY):
        facts = [_secrecy_facts(review) for review in version.secrecy_reviews]
        yield from _one_by_one(_name(version), "secrecy review", facts, stated)


def _review_facts(review: Review) -> dict[str, object]:
    return {
        "revision": review.revision,
        "accurate": review.accurate,
        "complete": review.complete,
        "compliant": review.compliant,
        "reasons_digest": digest(review.reasons),
    }


def _secrecy_facts(review: SecrecyReview) -> dict[str, object]:
    return {"revision": review.revision, "passed": review.passed, "document": review.document}


def _with_entries(
    session: Session, rows: Any, kinds: Collection[str]
) -> Iterator[tuple[ResourceVersion, Sequence[Mapping[str, Any]]]]:
    for batch in batches(session, rows, ResourceVersion.id):
        entries = recorded(session, Evidence.subject, [_name(version) for version in batch], kinds, personal_details)
        for version in entries.known(batch, _name):
            yield version, [{**_MEANS[each.kind], **each.after} for each in entries.get(_name(version), [])]


def _name(version: ResourceVersion) -> str:
    return f"resource_version/{version.id}"


def _one_by_one(
    subject: str, noun: str, facts: Sequence[Mapping[str, Any]], stated: Sequence[Mapping[str, Any]]
) -> Iterator[Discrepancy]:
    if len(facts) != len(stated):
        sentence = f"{subject} has {len(facts)} rows of a {noun}, and entries record {len(stated)}."
        yield Discrepancy(subject, sentence, expected=str(len(stated)), found=str(len(facts)))
        return
    for row, entry in zip(facts, stated, strict=True):
        yield from differences(subject, row, entry)
