"""Searching the catalogue, with facets whose counts say what a click would find."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from adapters.paging import USUAL_PAGE, Column, Page, page_of
from adapters.searching import contains
from audit.actor import Actor
from directory.agencies.queries import agency_names
from directory.catalogue.models import Resource, ResourceVersion, VersionState
from directory.catalogue.queries import LISTED
from directory.people.roles import Role
from directory.permissions import CLIENT, HUB_ROLE

MOST_VALUES = 200


@dataclass(frozen=True)
class CatalogueQuery:
    """What is looked for; an empty tuple of a facet means all of its values.

    Attributes:
        text: looked for in code, name, abstract, keywords and names of items.
        sort: ``newest``, ``name`` or ``code``.
    """

    text: str = ""
    share_attribute: tuple[str, ...] = ()
    agency_id: tuple[uuid.UUID, ...] = ()
    theme: tuple[str, ...] = ()
    update_cycle: tuple[str, ...] = ()
    state: tuple[str, ...] = (VersionState.PUBLISHED.value,)
    sort: str = "newest"


@dataclass(frozen=True)
class FacetCount:
    """A value of a facet, and how many entries the search would find with it instead of the facet's present choice."""

    value: str
    count: int
    label: str = ""


_FACETS: Mapping[str, Column] = MappingProxyType(
    {
        "share_attribute": ResourceVersion.share_attribute,
        "agency_id": Resource.agency_id,
        "theme": ResourceVersion.theme,
        "update_cycle": ResourceVersion.update_cycle,
        "state": ResourceVersion.state,
    }
)
_PLACES = {name: place for place, name in enumerate(_FACETS)}
_NEWEST = func.coalesce(ResourceVersion.published_at, ResourceVersion.created_at)
_SORTS: Mapping[str, tuple[list[Column], bool]] = MappingProxyType(
    {
        "newest": ([_NEWEST, ResourceVersion.id], True),
        "name": ([ResourceVersion.name, ResourceVersion.id], False),
        "code": ([Resource.code, ResourceVersion.number, ResourceVersion.id], False),
    }
)


def search(
    session: Session, actor: Actor, query: CatalogueQuery, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ResourceVersion]:
    """Versions that fit a query, as far as the actor may see them.

    Raises:
        InvalidInput: an unknown order, or a cursor of another list.
    """
    if query.sort not in _SORTS:
        raise InvalidInput("search.sort", "Lists are ordered by newest, name or code. Choose one of them.")
    order, descending = _SORTS[query.sort]
    statement = _found(select(ResourceVersion), actor, query).options(LISTED)
    return page_of(session, statement, order, cursor=cursor, limit=limit, descending=descending)


def total(session: Session, actor: Actor, query: CatalogueQuery) -> int:
    """How many versions fit a query."""
    counted: int = session.scalars(_found(select(func.count(ResourceVersion.id)), actor, query)).one()
    return counted


def facets(session: Session, actor: Actor, query: CatalogueQuery) -> dict[str, tuple[FacetCount, ...]]:
    """For each facet its values with counts, the most frequent first, at most 200 of each.

    One reading of the catalogue serves all facets: it counts every combination of their values that there is.
    """
    every: dict[str, Any] = dict.fromkeys(_FACETS, ())
    combined: Select[Any] = select(*_FACETS.values(), func.count(ResourceVersion.id))
    statement = _found(combined, actor, replace(query, **every)).group_by(*_FACETS.values())
    rows = [tuple(row) for row in session.execute(statement)]
    labels = agency_names(session, {row[_PLACES["agency_id"]] for row in rows})
    return {name: _counts(query, name, rows, labels) for name in _FACETS}


def _counts(
    query: CatalogueQuery, name: str, rows: Sequence[tuple[Any, ...]], labels: Mapping[uuid.UUID, str]
) -> tuple[FacetCount, ...]:
    """Counts of one facet's values among the combinations that fit the choices in all other facets."""
    chosen = {place: getattr(query, other) for other, place in _PLACES.items() if other != name}
    counts: Counter[Any] = Counter()
    for row in rows:
        if all(not values or row[place] in values for place, values in chosen.items()):
            counts[row[_PLACES[name]]] += row[-1]
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))[:MOST_VALUES]
    return tuple(FacetCount(str(value), number, labels.get(value, "")) for value, number in ordered if value != "")


def _found(statement: Select[Any], actor: Actor, query: CatalogueQuery) -> Select[Any]:
    statement = statement.select_from(ResourceVersion).join(Resource, Resource.id == ResourceVersion.resource_id)
    for name, column in _FACETS.items():
        chosen = getattr(query, name)
        if chosen:
            statement = statement.where(column.in_(chosen))
    if query.text.strip():
        said = contains(ResourceVersion.search_text, query.text, folded=True)
        statement = statement.where(or_(said, contains(Resource.code, query.text)))
    visible = _visible(actor)
    return statement if visible is None else statement.where(visible)


def _visible(actor: Actor) -> ColumnElement[bool] | None:
    """The condition of ``permissions.see_version``, for many at once; None when everything may be seen."""
    if actor.has(HUB_ROLE, Role.REGULATOR, Role.AUDITOR):
        return None
    published = ResourceVersion.published_at.is_not(None)
    if actor.has(CLIENT):
        return published
    return or_(published, Resource.agency_id == actor.agency_id)
