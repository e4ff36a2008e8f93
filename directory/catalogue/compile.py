"""Compiling catalogue entries: drafting, editing, and the next version of a published one ([M] Art. 9, 10; R18)."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.errors import Conflict, InvalidInput, NotAllowed, Sentence
from audit.actor import Actor
from audit.append import append
from directory.catalogue.change import note_started
from directory.catalogue.codes import next_code
from directory.catalogue.content import Content, checked_content, content_digest, entry_of, items_of, write_content
from directory.catalogue.models import Resource, ResourceVersion
from directory.catalogue.queries import locked_version, resource
from directory.catalogue.states import TRANSITIONS, Step, move
from directory.permissions import compile_entry, require
from schemas.identifiers.resource_code import parse
from schemas.rule_sets import rule_set_for

_IN_PROGRESS = [state for state, steps in TRANSITIONS.items() if steps and Step.SUPERSEDE not in steps]


def draft_resource(
    session: Session, actor: Actor, entry: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> ResourceVersion:
    """Draft a new catalogue entry for the actor's agency; it gets its code at once.

    Args:
        entry: metadata, keys as in the metadata profile, and ``ground``.
        items: data items, keys as in the metadata profile, and ``basis``, ``is_key``, ``on_mismatch``.

    Raises:
        NotAllowed: the actor does not compile for an agency.
        InvalidInput: the content is not right; ``problems`` names the places.
    """
    if actor.agency_id is not None:
        require(compile_entry(actor, actor.agency_id), "resource.drafted", f"agency/{actor.agency_id}")
    agency_id, person_id = _compiler(actor)
    content = checked_content(session, agency_id, entry, items)
    made = Resource(agency_id=agency_id, code=next_code(session, content.columns["classification_code"]))
    session.add(made)
    session.flush()
    return _draft(session, actor, person_id, made, content, number=1, changed_on=None)


def draft_next_version(
    session: Session,
    actor: Actor,
    resource_id: uuid.UUID,
    changed_on: date,
    entry: Mapping[str, Any] | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
) -> ResourceVersion:
    """Draft the next version of an entry; the published one stays in force until this one is published.

    Args:
        changed_on: the day on which the described thing changed; two working days run from it ([M] Art. 10¶3).
        entry, items: what it says; None takes over what the latest version says.

    Raises:
        NotAllowed: the actor does not compile for the entry's agency.
        NotFound: there is no such entry.
        InvalidInput: the content is not right, or the day lies ahead.
        Conflict: a version is being worked on already.
    """
    of = resource(session, resource_id, lock=True)
    require(compile_entry(actor, of.agency_id), "resource.drafted", f"resource/{resource_id}")
    _, person_id = _compiler(actor)
    if changed_on > case_today(session):
        sentence = "The day of the change lies ahead. Enter the day on which it happened."
        raise InvalidInput("version.changed_on", sentence, [{"pointer": "/changed_on", "message": sentence}])
    busy = select(ResourceVersion.id).where(ResourceVersion.resource_id == of.id)
    if session.scalars(busy.where(ResourceVersion.state.in_(_IN_PROGRESS)).limit(1)).first():
        sentence = "A version of this entry is being worked on already. Open that one instead of starting another."
        raise Conflict("resource.version_in_progress", sentence)
    latest = select(ResourceVersion).where(ResourceVersion.resource_id == of.id)
    base = session.scalars(latest.order_by(ResourceVersion.number.desc()).limit(1)).one()
    said = entry_of(base) if entry is None else entry
    parts = items_of(base) if items is None else items
    content = _kept_in_class(of, checked_content(session, of.agency_id, said, parts))
    number = session.scalars(select(func.max(ResourceVersion.number)).where(ResourceVersion.resource_id == of.id)).one()
    note_started(session, actor, of, changed_on)
    return _draft(session, actor, person_id, of, content, number=number + 1, changed_on=changed_on)


def edit_version(
    session: Session,
    actor: Actor,
    version_id: uuid.UUID,
    entry: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    *,
    expected: int | None,
) -> ResourceVersion:
    """Change what a draft or returned version says. Reviews of what it said before count no more.

    Args:
        expected: ``lock_version`` of the version that the form was filled from.

    Raises:
        NotAllowed: the actor does not compile for the entry's agency.
        NotFound: there is no such version.
        InvalidInput: the content is not right.
        Conflict: the form is stale, or the version's state admits no editing.
    """
    version = locked_version(session, version_id, expected)
    agency_id = version.resource.agency_id
    require(compile_entry(actor, agency_id), "resource.edited", f"resource_version/{version_id}")
    _, person_id = _compiler(actor)
    move(version, Step.EDIT)
    content = _kept_in_class(version.resource, checked_content(session, agency_id, entry, items))
    before = {"revision": version.revision, "digest": content_digest(version)}
    write_content(session, version, content)
    version.revision += 1
    if str(person_id) not in version.compilers:
        version.compilers = [*version.compilers, str(person_id)]
    session.flush()
    _note(session, actor, version, "resource.edited", before)
    return version


def _draft(
    session: Session,
    actor: Actor,
    person_id: uuid.UUID,
    of: Resource,
    content: Content,
    *,
    number: int,
    changed_on: date | None,
) -> ResourceVersion:
    version = ResourceVersion(
        resource=of,
        number=number,
        revision=1,
        rule_set=rule_set_for(case_today(session)).key,
        compiled_by=person_id,
        compilers=[str(person_id)],
        changed_on=changed_on,
    )
    write_content(session, version, content)
    session.add(version)
    session.flush()
    _note(session, actor, version, "resource.drafted", None)
    return version


def _note(session: Session, actor: Actor, version: ResourceVersion, kind: str, before: dict[str, Any] | None) -> None:
    after = {
        "code": version.resource.code,
        "agency_id": str(version.resource.agency_id),
        "compilers": version.compilers,
        "rule_set": version.rule_set,
        "number": version.number,
        "revision": version.revision,
        "share_attribute": version.share_attribute,
        "items": len(version.items),
        "digest": content_digest(version),
        "changed_on": version.changed_on.isoformat() if version.changed_on else None,
    }
    append(session, kind, f"resource_version/{version.id}", actor, before=before, after=after, authority="[M] Art. 9")


def _compiler(actor: Actor) -> tuple[uuid.UUID, uuid.UUID]:
    """The agency and the person who answers for the content; nobody else reviews it then, program or not."""
    if actor.agency_id is None or actor.answerable_id is None:
        raise NotAllowed("permission.compiler", "Only an agency compiles its catalogue. Sign in as one of its people.")
    return actor.agency_id, actor.answerable_id


def _kept_in_class(of: Resource, content: Content) -> Content:
    """The code of an entry names its classification, so the classification stays."""
    classification = parse(of.code).classification
    if content.columns["classification_code"] != classification:
        sentence = "The code of this entry was given under {classification}. Keep it, or draft a new entry."
        problem = {
            "pointer": "/classification_code",
            "code": "entry.classification_kept",
            "message": Sentence(sentence, classification=classification),
        }
        raise InvalidInput("entry.classification_kept", sentence, [problem], classification=classification)
    return content
