"""Attaching (挂接) the source of an entry's data; a new one takes the place of the old ([M] Art. 7¶2; R10)."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotFound
from adapters.settings import Settings
from adapters.texts import word
from audit.actor import Actor
from audit.append import append
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.queries import published_version, resource, travels
from directory.permissions import attach_source as may_attach
from directory.permissions import require
from directory.sources.configuration import checked_configuration, checked_secrets
from directory.sources.models import Connector, Source
from directory.sources.queries import check_address, current_source
from directory.sources.sealing import seal, sealed_digest
from schemas.canonical import digest


def attach_source(
    session: Session,
    actor: Actor,
    resource_id: uuid.UUID,
    connector: str,
    config: Mapping[str, Any],
    secrets: Mapping[str, Any],
    settings: Settings,
) -> Source:
    """Attach a source; the one attached before is detached and kept.

    Args:
        connector: a word of ``Connector``.
        config: what is not secret, as in ``Source``; ``columns`` feeds every item of the version in force.
        secrets: ``{"user": …, "password": …}`` of a database, empty for a file; sealed before it is kept.

    Raises:
        NotAllowed: the actor does not compile for the entry's agency, or the address is not in the register.
        NotFound: there is no such entry.
        InvalidInput: the configuration is not right.
        Conflict: the entry is a state secret, or has no version.
    """
    of = resource(session, resource_id, lock=True)
    subject = f"resource/{resource_id}"
    require(may_attach(actor, of.agency_id), "source.attached", subject)
    kind = word(connector, "/connector", Connector)
    required, known = _fields(session, resource_id)
    checked = checked_configuration(kind, of.agency_id, config, required, known)
    sealed = checked_secrets(kind, secrets)
    check_address(session, of.agency_id, kind, checked, subject)
    former = _detach(session, resource_id)
    made = Source(
        resource_id=resource_id,
        connector=kind,
        config=checked,
        sealed=seal(sealed, settings) if sealed else None,
        attached_by=actor.person_id,
    )
    session.add(made)
    session.flush()
    facts = {"resource": of.code, "connector": kind.value}
    place = {name: checked[name] for name in ("host", "port", "database", "object_key") if name in checked}
    before = {"source": str(former.id)} if former else None
    told = {"sealed": sealed_digest(made.sealed), "config_digest": digest(checked)}
    append(session, "source.attached", f"source/{made.id}", actor, before=before, after=facts | place, personal=told)
    return made


def detach_source(session: Session, actor: Actor, resource_id: uuid.UUID) -> Source:
    """Detach an entry's source; data that was loaded stays.

    Raises:
        NotAllowed: the actor does not compile for the entry's agency.
        NotFound: there is no such entry, or nothing is attached.
    """
    of = resource(session, resource_id, lock=True)
    require(may_attach(actor, of.agency_id), "source.detached", f"resource/{resource_id}")
    former = _detach(session, resource_id)
    if former is None:
        raise NotFound("source.none", "No source is attached to this entry. There is nothing to detach.")
    append(session, "source.detached", f"source/{former.id}", actor, before={"resource": of.code})
    return former


def _detach(session: Session, resource_id: uuid.UUID) -> Source | None:
    former = current_source(session, resource_id)
    if former is not None:
        former.detached_at = system_now()
        session.flush()
    return former


def _fields(session: Session, resource_id: uuid.UUID) -> tuple[list[str], set[str]]:
    """Fields that a source must feed (those of the version in force, or of the latest), and those that it may feed."""
    newest = select(ResourceVersion).where(
        ResourceVersion.resource_id == resource_id, ResourceVersion.state != VersionState.WITHDRAWN
    )
    latest = session.scalars(newest.order_by(ResourceVersion.number.desc()).limit(1)).first()
    if latest is None:
        raise Conflict("source.no_version", "This entry was withdrawn, so there is nothing to feed.")
    in_force = published_version(session, resource_id) or latest
    if not travels(in_force) or not travels(latest):
        sentence = "State secrets never travel over this platform, so no source can be attached to this entry."
        raise Conflict("source.state_secret", sentence).refused("source.attached", f"resource/{resource_id}")
    required = [item.field_name for item in in_force.items]
    return required, {*required, *(item.field_name for item in latest.items)}
