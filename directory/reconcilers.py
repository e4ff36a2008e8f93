"""Compare the directory's tables with the evidence log: rows without entries, entries without rows, states and contents
that evidence does not explain (R120).

``register_reconcilers`` hands these to ``audit.reconcile``; verification runs them. Each noun's ``compared.py`` says
what is compared.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from audit.opened import personal_details
from audit.reconcile import entries_have_rows, facts_follow_entries, register, rows_have_entries, states_follow_entries
from directory.agencies.compared import AT_FIRST, agency_facts, former_names_follow_entries
from directory.agencies.models import Agency
from directory.calendars.compared import calendar_facts
from directory.calendars.models import HolidayCalendar
from directory.case_clock.compared import clock_follows_entries
from directory.catalogue import compared as catalogue
from directory.catalogue.change import change_facts
from directory.catalogue.models import CatalogueChange, ResourceVersion, VersionState
from directory.deeds import Deed, deeds_follow_entries
from directory.keys.models import AgencyKey
from directory.people import compared as people
from directory.people.models import Account, ApiClient, DataAdministrator, Person
from directory.sources.compared import source_facts, was_replaced
from directory.sources.models import Source
from directory.systems.compared import addresses_follow_entries, system_facts
from directory.systems.models import System

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
_HELD = (
    Deed(["key.registered"], person="registered_by", moment="registered_at"),
    Deed(["key.revoked"], moment="revoked_at"),
)
_LET_IN = (Deed(["client.registered"], moment="created_at"), Deed(["client.revoked"], moment="revoked_at"))
_ATTACHED = (Deed(["source.attached"], person="attached_by", moment="attached_at"),)


def register_reconcilers() -> None:
    """Have every verification compare the directory's tables with the log."""
    _rows("agency", Agency.id, "agency.registered")
    agencies = ("agency.registered", "agency.renamed")
    _facts("agency", select(Agency), Agency.id, agencies, agency_facts, first=AT_FIRST)
    register("agency-former", former_names_follow_entries)
    _people()
    _rows("key", AgencyKey.id, "key.registered")
    _both("key-revoked", "key", AgencyKey.id, "key.revoked", AgencyKey.revoked_at)
    _facts("key", select(AgencyKey), AgencyKey.id, ("key.registered",), key_facts)
    register("key-deeds", deeds_follow_entries("key", AgencyKey, AgencyKey.id, _HELD))
    _rows("system", System.id, "system.registered")
    _facts("system", select(System), System.id, ("system.registered",), system_facts)
    register("system-addresses", addresses_follow_entries)
    _sources()
    _rows("calendar", HolidayCalendar.id, "calendar.added")
    _facts("calendar", select(HolidayCalendar), HolidayCalendar.id, ("calendar.added",), calendar_facts)
    register("case_clock", clock_follows_entries)
    _catalogue()


def _people() -> None:
    _rows("person", Person.id, "person.registered")
    _both("person-left", "person", Person.id, "person.left", Person.left_at)
    _facts("person", select(Person), Person.id, ("person.registered",), people.person_facts)
    register("role", people.roles_follow_entries)
    _rows("account", Account.id, "account.opened")
    means = people.ACCOUNT_MEANS
    _facts("account", select(Account), Account.id, means, people.account_facts, means=means)
    register("sign_in", people.sign_ins_follow_entries)
    register("sign_in-ended", people.sign_ins_end)
    _rows("client", ApiClient.id, "client.registered")
    _both("client-revoked", "client", ApiClient.id, "client.revoked", ApiClient.revoked_at)
    _facts("client", select(ApiClient), ApiClient.id, ("client.registered",), people.client_facts)
    means = people.SECRET_MEANS
    _facts("client", select(ApiClient), ApiClient.id, means, people.secret_facts, means=means, name="client-secret")
    register("client-deeds", deeds_follow_entries("client", ApiClient, ApiClient.id, _LET_IN))
    _rows("appointment", DataAdministrator.id, "appointment.made")
    _both("appointment-filed", "appointment", DataAdministrator.id, "appointment.filed", DataAdministrator.filed_on)
    means = people.APPOINTMENT_MEANS
    _facts("appointment", select(DataAdministrator), DataAdministrator.id, means, people.appointment_facts, means=means)


def _sources() -> None:
    _rows("source", Source.id, "source.attached")
    whole = select(Source).options(joinedload(Source.resource))
    _facts("source", whole, Source.id, ("source.attached",), source_facts)
    register("source-deeds", deeds_follow_entries("source", Source, Source.id, _ATTACHED))
    detached, kinds = Source.detached_at.is_not(None), ["source.detached"]
    register("source-detached", rows_have_entries("source", Source.id, kinds, detached, ~was_replaced()))
    register("source-detached-entries", entries_have_rows("source", Source.id, kinds, detached))


def _catalogue() -> None:
    _rows("resource_version", ResourceVersion.id, "resource.drafted")
    states = states_follow_entries("resource_version", ResourceVersion.id, ResourceVersion.state, _VERSION_STATES)
    register("resource_version-state", states)
    whole = select(ResourceVersion).options(selectinload(ResourceVersion.items), joinedload(ResourceVersion.resource))
    _facts("resource_version", whole, ResourceVersion.id, _CONTENT, catalogue.version_facts)
    register("review", catalogue.reviews_unchanged)
    register("secrecy_review", catalogue.secrecy_reviews_unchanged)
    _rows("catalogue_change", CatalogueChange.id, "resource.change_recorded")
    _facts("catalogue_change", select(CatalogueChange), CatalogueChange.id, _CHANGES, change_facts)


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
    *,
    first: Mapping[str, Any] | None = None,
    means: Mapping[str, Mapping[str, Any]] | None = None,
    name: str = "",
) -> None:
    reconciler = facts_follow_entries(
        noun, rows, identity, kinds, facts, first=first, means=means, opener=personal_details
    )
    register(name or f"{noun}-content", reconciler)


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
