"""Compare the directory's tables with the evidence log: rows without entries, entries without rows, states and contents
that evidence does not explain (R120).

``register_reconcilers`` hands these to ``audit.reconcile``; verification runs them.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from audit.opened import personal_details
from audit.reconcile import entries_have_rows, facts_follow_entries, register, rows_have_entries, states_follow_entries
from directory.agencies.models import Agency
from directory.catalogue.change import change_facts
from directory.catalogue.content import content_digest
from directory.catalogue.models import CatalogueChange, ResourceVersion, VersionState
from directory.keys.models import AgencyKey
from directory.people.models import Account, ApiClient, DataAdministrator, Person
from directory.sources.models import Source

_VERSION_STATES = {
    "resource.drafted": VersionState.DRAFT,
    "resource.submitted": VersionState.SUBMITTED,
    "resource.returned": VersionState.RETURNED,
    "secrecy_review.failed": VersionState.RETURNED,
    "resource.approved": VersionState.APPROVED,
    "resource.published": VersionState.PUBLISHED,
    "resource.superseded": VersionState.SUPERSEDED,
    "resource.withdrawn": VersionState.WITHDRAWN,
}
_CONTENT = ("resource.drafted", "resource.edited")
_CHANGES = (
    "resource.change_recorded",
    "resource.change_updated",
    "resource.change_closed",
    "resource.change_deadline_recomputed",
)


def register_reconcilers() -> None:
    """Have every verification compare the directory's tables with the log."""
    _rows("agency", Agency.id, "agency.registered")
    _rows("person", Person.id, "person.registered")
    _both("person-left", "person", Person.id, "person.left", Person.left_at)
    _rows("account", Account.id, "account.opened")
    _rows("client", ApiClient.id, "client.registered")
    _both("client-revoked", "client", ApiClient.id, "client.revoked", ApiClient.revoked_at)
    _rows("appointment", DataAdministrator.id, "appointment.made")
    _both("appointment-filed", "appointment", DataAdministrator.id, "appointment.filed", DataAdministrator.filed_on)
    _rows("key", AgencyKey.id, "key.registered")
    _both("key-revoked", "key", AgencyKey.id, "key.revoked", AgencyKey.revoked_at)
    _rows("source", Source.id, "source.attached")
    _facts("agency", select(Agency), Agency.id, ("agency.registered", "agency.renamed"), agency_facts)
    _facts("person", select(Person), Person.id, ("person.registered",), person_facts)
    _facts("client", select(ApiClient), ApiClient.id, ("client.registered",), client_facts)
    _facts("key", select(AgencyKey), AgencyKey.id, ("key.registered",), key_facts)
    _rows("resource_version", ResourceVersion.id, "resource.drafted")
    states = states_follow_entries("resource_version", ResourceVersion.id, ResourceVersion.state, _VERSION_STATES)
    register("resource_version-state", states)
    whole = select(ResourceVersion).options(selectinload(ResourceVersion.items))
    _facts("resource_version", whole, ResourceVersion.id, _CONTENT, version_facts)
    _rows("catalogue_change", CatalogueChange.id, "resource.change_recorded")
    _facts("catalogue_change", select(CatalogueChange), CatalogueChange.id, _CHANGES, change_facts)


def version_facts(version: ResourceVersion) -> dict[str, object]:
    """What a catalogue version says, as its last drafting or editing recorded it."""
    return {"digest": content_digest(version)}


def agency_facts(agency: Agency) -> dict[str, object]:
    """What an agency is called, as its registration or last renaming recorded it."""
    names = ("credit_code", "short_code", "name", "name_en", "kind", "level", "office")
    return {name: getattr(agency, name) for name in names}


def person_facts(person: Person) -> dict[str, object]:
    """A person's name, as the encrypted part of the registration has it, and agency."""
    return {"person": person.name, "agency_id": str(person.agency_id)}


def client_facts(client: ApiClient) -> dict[str, object]:
    """What a program is called, whose it is and who answers for it, as its registration recorded it."""
    return {
        "client_id": client.client_id,
        "name": client.name,
        "agency_id": str(client.agency_id),
        "responsible": str(client.responsible_id),
    }


def key_facts(key: AgencyKey) -> dict[str, object]:
    """The bytes of a public key and whose it is, as its registration recorded them."""
    return {
        "purpose": key.purpose,
        "fingerprint": key.fingerprint,
        "public_key": key.public_key,
        "agency_id": str(key.agency_id),
    }


def _facts(
    noun: str,
    rows: Select[Any],
    identity: InstrumentedAttribute[uuid.UUID],
    kinds: Collection[str],
    facts: Callable[[Any], Mapping[str, object]],
) -> None:
    register(f"{noun}-content", facts_follow_entries(noun, rows, identity, kinds, facts, opener=personal_details))


def _rows(noun: str, identity: InstrumentedAttribute[uuid.UUID], kind: str) -> None:
    register(noun, rows_have_entries(noun, identity, [kind]))
    register(f"{noun}-entries", entries_have_rows(noun, identity, [kind]))


def _both(
    name: str,
    noun: str,
    identity: InstrumentedAttribute[uuid.UUID],
    kind: str,
    moment: InstrumentedAttribute[object],
) -> None:
    """What has a moment has its entry, and what has the entry has its moment."""
    happened = moment.is_not(None)
    register(name, rows_have_entries(noun, identity, [kind], happened))
    register(f"{name}-entries", entries_have_rows(noun, identity, [kind], happened))
