"""Reading resources and their versions."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from adapters.errors import Conflict, NotFound
from audit.actor import Actor
from directory.catalogue.models import Resource, ResourceVersion, VersionState
from directory.permissions import Denied, see_version
from schemas.words import SecrecyLevel

LISTED = joinedload(ResourceVersion.resource).joinedload(Resource.agency)
"""What a row of a list shows beside the version itself."""

_MOST_VERSIONS = 500


def resource(session: Session, resource_id: uuid.UUID, *, lock: bool = False, steady: bool = False) -> Resource:
    """One resource.

    Args:
        lock: until the end of the transaction, because a version is to be added, published or withdrawn.
        steady: until the end of the transaction none is; several may ask for that at once.

    Raises:
        NotFound: there is none.
    """
    how = {"read": True} if steady else {"key_share": True} if lock else None
    found = session.get(Resource, resource_id, with_for_update=how, populate_existing=how is not None)
    if found is None:
        raise NotFound("resource.unknown", "There is no such catalogue entry. Search the catalogue.")
    return found


def version(session: Session, actor: Actor, version_id: uuid.UUID) -> ResourceVersion:
    """One version with its items, as the actor may see it.

    Raises:
        NotFound: there is none, or none that the actor may see.
    """
    statement = select(ResourceVersion).where(ResourceVersion.id == version_id)
    found = session.scalar(statement.options(LISTED, selectinload(ResourceVersion.items)))
    if found is None or isinstance(_decision(actor, found), Denied):
        raise _unknown()
    return found


def locked_version(
    session: Session, version_id: uuid.UUID, expected: int | None, *, lock_resource: bool = False
) -> ResourceVersion:
    """One version, locked until the end of the transaction, for a step to be taken.

    Args:
        expected: the ``lock_version`` that the form was filled from; None when there was no form.
        lock_resource: lock its resource first, because the step changes which version is in force.

    Raises:
        NotFound: there is none.
        Conflict: somebody changed it since the form was filled.
    """
    if lock_resource:  # read as a column: an object that is loaded before its lock may be stale when it has it
        of = session.scalar(select(ResourceVersion.resource_id).where(ResourceVersion.id == version_id))
        if of is not None:
            resource(session, of, lock=True)
    found = session.get(ResourceVersion, version_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise _unknown()
    if expected is not None and expected != found.lock_version:
        sentence = "Somebody changed this version after you opened it. Nothing was changed. Reload the page and go on."
        raise Conflict("version.stale", sentence)
    return found


def published_version(session: Session, resource_id: uuid.UUID, *, lock: bool = False) -> ResourceVersion | None:
    """The version of a resource that is in force, if one is."""
    in_force = (ResourceVersion.resource_id == resource_id) & (ResourceVersion.state == VersionState.PUBLISHED)
    statement = select(ResourceVersion).where(in_force)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalar(statement)


def versions_of(session: Session, actor: Actor, resource_id: uuid.UUID) -> list[ResourceVersion]:
    """Versions of a resource that the actor may see, the newest first.

    Raises:
        NotFound: there is no such resource, or nothing of it that the actor may see.
    """
    statement = select(ResourceVersion).where(ResourceVersion.resource_id == resource_id).options(LISTED)
    newest = session.scalars(statement.order_by(ResourceVersion.number.desc()).limit(_MOST_VERSIONS))
    seen = [found for found in newest if not isinstance(_decision(actor, found), Denied)]
    if not seen:
        raise _unknown()
    return seen


def travels(found: ResourceVersion) -> bool:
    """Whether data of this version may travel over the platform at all: state secrets never do (R43)."""
    return found.secrecy_level != SecrecyLevel.STATE_SECRET


def _decision(actor: Actor, found: ResourceVersion) -> object:
    return see_version(actor, found.resource.agency_id, found.published_at is not None)


def _unknown() -> NotFound:
    return NotFound("version.unknown", "There is no such version of a catalogue entry, or you may not see it.")
