"""The terms of a grant as the one door reads them: one query, then pure checks."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Protocol

from sqlalchemy import Select, bindparam, func, literal_column, or_, select, true
from sqlalchemy.orm import Session, aliased

from adapters.clock import CaseClock, city_date, system_now
from adapters.prepared import Condition, Prepared
from audit.actor import Actor
from audit.subjects.blind import SubjectKind
from directory.catalogue.models import DataItem, Resource, ResourceVersion, VersionState
from directory.datasets.models import DatasetState, DatasetVersion
from exchange.agreements.models import Agreement, AgreementState
from exchange.grants.models import Grant, GrantState
from exchange.masking import stricter
from schemas.words import Mode, SecrecyLevel, Sensitivity, ShareAttribute

NEEDS_SERVING = frozenset({Mode.INTERFACE, Mode.BROWSE})

Refused = tuple[str, str]
"""Code and sentence of a reason to refuse."""

NOT_ACTIVE: Refused = "not_active", "The grant is suspended or has ended. Its page names the reason."

_SUBJECT_KINDS = frozenset(SubjectKind)
_CACHED_VERSIONS = 1024
_items_by_version: dict[uuid.UUID, tuple["ReleasedItem", ...]] = {}
_items_now: dict[tuple[uuid.UUID, uuid.UUID], dict[str, "ReleasedItem"]] = {}


@dataclass(frozen=True)
class ReleasedItem:
    """One data item as it may leave."""

    field_name: str
    name: str
    data_type: str
    masking: str | None
    sensitivity: str
    share_attribute: str
    is_key: bool
    identifier_kind: str | None = None


@dataclass(frozen=True)
class GrantTerms:
    """A grant, its agreement and the newest loaded data, side by side.

    Attributes:
        items: as the grant's catalogue version has them, masked at least as the version in force does.
        naming: fields of the loaded data that name a person or an organisation, and by what kind of number.
    """

    number: str
    state: str
    requester_id: uuid.UUID | None
    application_id: uuid.UUID | None
    resource_id: uuid.UUID
    resource_code: str
    resource_name: str
    secrecy_level: str
    items: tuple[ReleasedItem, ...]
    row_condition: Mapping[str, Any]
    modes: tuple[str, ...]
    purpose: str
    quota_rows: int | None
    used_rows: int
    valid_from: date
    valid_to: date | None
    agreement_state: str | None
    agreement_valid_to: date | None
    dataset_version_id: uuid.UUID | None
    dataset_number: int
    dataset_state: str
    dataset_fields: frozenset[str]
    dataset_rows: int
    location: str
    delta_version: int
    serving_table: str | None
    today: date
    """The case clock's day when the terms were read."""
    clock_ahead: timedelta = timedelta(0)
    """How far the case clock was ahead of the system's."""
    naming: Mapping[str, SubjectKind] = field(default_factory=dict)
    fingerprint: bytes = b""
    """SHA-256 of all that was read, so that a later statement can prove that it is still so."""

    @property
    def matter(self) -> str:
        """The case that evidence is filed under."""
        return f"application/{self.application_id}" if self.application_id else ""

    @property
    def rows_left(self) -> int | None:
        """What is left of the quota; None for no limit."""
        return None if self.quota_rows is None else max(self.quota_rows - self.used_rows, 0)


class Asked(Protocol):
    """The part of a request that the checks read."""

    @property
    def actor(self) -> Actor:
        """Who asks."""
        ...

    @property
    def mode(self) -> Mode:
        """The way of sharing asked for."""
        ...

    @property
    def purpose(self) -> str:
        """What the data is for."""
        ...

    @property
    def matter(self) -> str:
        """The receiver's own case."""
        ...

    @property
    def items(self) -> tuple[str, ...]:
        """Field names asked for; empty for all."""
        ...

    @property
    def subjects(self) -> Mapping[str, str]:
        """Values that rows are looked up by, by field name; empty where nothing is looked up."""
        ...


def terms_of(session: Session, grant_id: uuid.UUID, mode: Mode) -> GrantTerms | None:
    """Read the terms of a grant in one query; None when there is no such grant.

    Args:
        mode: the way of sharing asked for; interface and browsing take the newest data that is served.
    """
    found = _query_for(mode).rows(session, grant_id=grant_id)
    return _terms(session, found[0]) if found else None


def unchanged(terms: GrantTerms, grant_id: uuid.UUID, mode: Mode) -> Condition:
    """SQL that says whether a statement reads the very terms that were read before.

    It reads them as they were when the statement began: what is committed while that waits for the grant's lock is
    later than the release, but for the grant's own state, which is looked at again.
    """
    sql = "(SELECT fingerprint FROM ({}) AS now) = %(terms_fingerprint)s"
    return _query_for(mode).inside(sql, grant_id=grant_id, terms_fingerprint=terms.fingerprint)


def reason_to_refuse(terms: GrantTerms | None, asked: Asked, *, prepared: bool = False) -> Refused | None:
    """The first reason why the door stays shut, or None.

    Args:
        terms: None when there is no such grant.
        asked: the request.
        prepared: the bytes lie ready and were charged to the quota when they were made.
    """
    if terms is None or asked.actor.agency_id is None or terms.requester_id not in (None, asked.actor.agency_id):
        return "no_grant", "There is no such grant for your agency."
    refused = _grant_refuses(terms) or _request_refused(terms, asked)
    return refused or (None if prepared else _nothing_left(terms) or _data_missing(terms, asked))


def _grant_refuses(terms: GrantTerms) -> Refused | None:
    today = terms.today
    if terms.state != GrantState.ACTIVE:
        return NOT_ACTIVE
    if today < terms.valid_from or (terms.valid_to is not None and today > terms.valid_to):
        return "out_of_term", "The grant's term does not cover today. Apply again if the data is still needed."
    if terms.agreement_state is not None and (
        terms.agreement_state != AgreementState.IN_FORCE
        or (terms.agreement_valid_to is not None and today > terms.agreement_valid_to)
    ):
        return "no_agreement", "The secrecy agreement of this grant is not in force."
    if terms.agreement_state is None and any(item.sensitivity != Sensitivity.NONE for item in terms.items):
        return "no_agreement", "The grant holds sensitive items and has no secrecy agreement."
    if terms.secrecy_level == SecrecyLevel.STATE_SECRET or any(
        item.share_attribute == ShareAttribute.NO_SHARING or item.sensitivity == Sensitivity.STATE_SECRET
        for item in terms.items
    ):
        return "not_shareable", "The resource holds items that may not be shared over this platform."
    return None


def _nothing_left(terms: GrantTerms) -> Refused | None:
    return ("quota", "The grant's quota of rows is used up.") if terms.rows_left == 0 else None


def _request_refused(terms: GrantTerms, asked: Asked) -> Refused | None:
    if asked.mode not in terms.modes:
        return "mode", "The grant does not allow this mode of delivery."
    if not asked.purpose.strip() or not asked.matter.strip():
        return "no_purpose", "State the purpose and the case that you need the data for."
    if terms.requester_id is not None and asked.purpose.strip() != terms.purpose.strip():
        return "other_purpose", "The stated purpose is not the one that was granted. Apply anew for another purpose."
    if not set(asked.items) <= {item.field_name for item in terms.items}:
        return "items", "You asked for items that the grant does not name."
    wanted = (item for item in terms.items if not asked.items or item.field_name in asked.items)
    if not set(asked.subjects) <= {item.field_name for item in wanted if item.masking is None}:
        return "key", "Look rows up by items that the grant names and that are not masked."
    return None


def _data_missing(terms: GrantTerms, asked: Asked) -> Refused | None:
    served = terms.serving_table is not None or asked.mode not in NEEDS_SERVING
    if terms.dataset_version_id is None or not served:
        return "no_data", "The provider has not loaded data for this resource yet. Try again after its next load."
    condition_fields = {str(terms.row_condition["field"])} if terms.row_condition else set()
    if not ({item.field_name for item in terms.items} | condition_fields) <= terms.dataset_fields:
        return "items_not_loaded", "The loaded data does not hold all granted items. The provider has to load it anew."
    return None


def _query(*, served: bool) -> Select[*tuple[Any, ...]]:
    loaded = or_(DatasetVersion.state == DatasetState.READY, DatasetVersion.state == DatasetState.SERVED)
    newest = (
        select(DatasetVersion)
        .where(
            DatasetVersion.resource_id == Grant.resource_id,
            DatasetVersion.serving_table.is_not(None) if served else loaded,
        )
        .order_by(DatasetVersion.number.desc())
        .limit(1)
        .lateral("newest")
    )
    in_force = aliased(ResourceVersion)
    terms = (
        select(
            Grant.number,
            Grant.state,
            Grant.requester_id,
            Grant.application_id,
            Grant.resource_id,
            Grant.resource_version_id,
            Grant.items,
            Grant.row_condition,
            Grant.modes,
            Grant.purpose,
            Grant.quota_rows,
            Grant.used_rows,
            Grant.valid_from,
            Grant.valid_to,
            Resource.code.label("resource_code"),
            ResourceVersion.name.label("resource_name"),
            ResourceVersion.secrecy_level,
            in_force.id.label("version_in_force"),
            Agreement.state.label("agreement_state"),
            Agreement.valid_to.label("agreement_valid_to"),
            newest.c.id.label("dataset_version_id"),
            newest.c.number.label("dataset_number"),
            newest.c.state.label("dataset_state"),
            newest.c.resource_version_id.label("loaded_as"),
            newest.c.rows_good,
            newest.c.location,
            newest.c.delta_version,
            newest.c.serving_table,
            select(func.coalesce(func.max(CaseClock.offset_seconds), 0)).scalar_subquery().label("clock_offset"),
        )
        .join(Resource, Resource.id == Grant.resource_id)
        .join(ResourceVersion, ResourceVersion.id == Grant.resource_version_id)
        .outerjoin(in_force, (in_force.resource_id == Grant.resource_id) & (in_force.state == VersionState.PUBLISHED))
        .outerjoin(Agreement, Agreement.id == Grant.agreement_id)
        .outerjoin(newest, true())
        .where(Grant.id == bindparam("grant_id"))
        .subquery("terms")
    )
    return select(terms, literal_column("sha256(convert_to(terms::text, 'UTF8'))").label("fingerprint"))


_TERMS, _SERVED_TERMS = Prepared(_query(served=False)), Prepared(_query(served=True))


def _query_for(mode: Mode) -> Prepared:
    return _SERVED_TERMS if mode in NEEDS_SERVING else _TERMS


def _terms(session: Session, row: Any) -> GrantTerms:
    items = _items_in_force(session, row.resource_version_id, row.version_in_force)
    loaded = () if row.loaded_as is None else _items_of(session, row.loaded_as)
    return GrantTerms(
        number=row.number,
        state=row.state,
        requester_id=row.requester_id,
        application_id=row.application_id,
        resource_id=row.resource_id,
        resource_code=row.resource_code,
        resource_name=row.resource_name,
        secrecy_level=row.secrecy_level,
        items=tuple(items[name] for name in row.items),
        row_condition=row.row_condition,
        modes=tuple(row.modes),
        purpose=row.purpose,
        quota_rows=row.quota_rows,
        used_rows=row.used_rows,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        agreement_state=row.agreement_state,
        agreement_valid_to=row.agreement_valid_to,
        dataset_version_id=row.dataset_version_id,
        dataset_number=row.dataset_number or 0,
        dataset_state=row.dataset_state or "",
        dataset_fields=frozenset(item.field_name for item in loaded),
        dataset_rows=row.rows_good or 0,
        location=row.location or "",
        delta_version=row.delta_version or 0,
        serving_table=row.serving_table,
        today=city_date(system_now() + timedelta(seconds=row.clock_offset)),
        clock_ahead=timedelta(seconds=row.clock_offset),
        naming=_naming(loaded),
        fingerprint=row.fingerprint,
    )


def _items_in_force(session: Session, granted: uuid.UUID, in_force: uuid.UUID | None) -> Mapping[str, ReleasedItem]:
    """The items of a grant's version by name; a masking that the version in force added or changed counts too."""
    now = in_force or granted
    known = _items_now.get((granted, now))
    if known is not None:
        return known
    maskings = {item.field_name: item.masking for item in _items_of(session, now)}
    items = {
        item.field_name: replace(item, masking=stricter(item.masking, maskings.get(item.field_name)))
        for item in _items_of(session, granted)
    }
    if len(_items_now) >= _CACHED_VERSIONS:
        _items_now.clear()
    _items_now[granted, now] = items
    return items


def _naming(items: tuple[ReleasedItem, ...]) -> dict[str, SubjectKind]:
    """The items that name a data subject: a division code names a place, and nobody."""
    kinds = {item.field_name: item.identifier_kind for item in items}
    return {name: SubjectKind(kind) for name, kind in kinds.items() if kind and kind in _SUBJECT_KINDS}


def _items_of(session: Session, version_id: uuid.UUID) -> tuple[ReleasedItem, ...]:
    """The items of a published version, in order. They never change again, so a process reads them once."""
    known = _items_by_version.get(version_id)
    if known is not None:
        return known
    rows = session.scalars(select(DataItem).where(DataItem.version_id == version_id).order_by(DataItem.position))
    items = tuple(
        ReleasedItem(
            field_name=item.field_name,
            name=item.name,
            data_type=item.data_type,
            masking=item.masking,
            sensitivity=item.sensitivity,
            share_attribute=item.share_attribute,
            is_key=item.is_key,
            identifier_kind=item.identifier_kind,
        )
        for item in rows
    )
    if len(_items_by_version) >= _CACHED_VERSIONS:
        _items_by_version.clear()
    _items_by_version[version_id] = items
    return items
