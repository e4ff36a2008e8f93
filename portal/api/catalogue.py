"""The catalogue for programs: search, one entry with its items, what is loaded."""

import uuid
from typing import Any

from flask import Blueprint, request

from adapters.errors import NotFound
from directory.catalogue.content import entry_of, items_of
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import published_version, version
from directory.catalogue.search import CatalogueQuery, search
from directory.datasets.models import DatasetVersion
from pipelines.ingest.queries import loads
from portal.access import current_actor
from portal.api.endpoint import Query, endpoint, page_body, paging, version_one
from portal.api.shapes import ITEM, MAYBE_MOMENT, METADATA, NUMBER, TEXT
from portal.edge import current_session

blueprint: Blueprint = version_one("catalogue")
ENTRY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "resource_id": {"type": "string", "format": "uuid"},
        "version_id": {"type": "string", "format": "uuid"},
        "code": TEXT,
        "number": {"type": "integer"},
        "agency": {"type": "object", "properties": {"credit_code": TEXT, "name": TEXT}},
        "name": TEXT,
        "abstract": TEXT,
        "share_attribute": TEXT,
        "update_cycle": TEXT,
        "modes": {"type": "array", "items": TEXT},
        "published_at": {"type": ["string", "null"], "format": "date-time"},
    },
}
WHOLE: dict[str, Any] = {
    "type": "object",
    "properties": {**METADATA, **ENTRY["properties"], "items": {"type": "array", "items": ITEM}},
}
DATASET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": NUMBER,
        "state": TEXT,
        **dict.fromkeys(("rows_source", "rows_read", "rows_good", "rows_set_aside"), NUMBER),
        "digest": {"type": "string", "description": "SHA-256 over the digests of its files, hex; empty while it loads"},
        "ready_at": MAYBE_MOMENT,
    },
}


@blueprint.get("/resources")
@endpoint(
    "Search the published catalogue",
    response=ENTRY,
    paged=True,
    query=(
        Query("text", "words in code, name, abstract, keywords or items", {"type": "string", "maxLength": 200}),
        Query("share_attribute", "UNIVERSAL, ON_REQUEST or NO_SHARING; may be repeated", {"type": "string"}),
    ),
)
def index() -> dict[str, Any]:
    """Published entries, the newest first."""
    cursor, limit = paging()
    wanted = CatalogueQuery(
        text=request.args.get("text", "")[:200], share_attribute=tuple(request.args.getlist("share_attribute")[:3])
    )
    page = search(current_session(), current_actor(), wanted, cursor=cursor, limit=limit)
    return page_body([entry_body(found) for found in page.items], page.next_cursor)


@blueprint.get("/resources/<uuid:resource_id>")
@endpoint("One catalogue entry with its data items", response=WHOLE)
def show(resource_id: uuid.UUID) -> dict[str, Any]:
    """The version in force."""
    session, actor = current_session(), current_actor()
    published = published_version(session, resource_id)
    if published is None:
        raise NotFound("resource.unknown", "There is no such catalogue entry. Search the catalogue.")
    found = version(session, actor, published.id)
    return entry_of(found) | entry_body(found) | {"items": items_of(found)}


@blueprint.get("/resources/<uuid:resource_id>/datasets")
@endpoint("Loaded versions of a resource's data", response=DATASET, paged=True)
def datasets(resource_id: uuid.UUID) -> dict[str, Any]:
    """Loads with their counts, the newest first."""
    session, (cursor, limit) = current_session(), paging()
    if published_version(session, resource_id) is None:
        raise NotFound("resource.unknown", "There is no such catalogue entry. Search the catalogue.")
    page = loads(session, resource_id, cursor=cursor, limit=limit)
    return page_body([_dataset(one) for one in page.items], page.next_cursor)


def entry_body(found: ResourceVersion) -> dict[str, Any]:
    """What a list shows of a version."""
    agency = found.resource.agency
    return {
        "resource_id": found.resource_id,
        "version_id": found.id,
        "code": found.resource.code,
        "number": found.number,
        "agency": {"credit_code": agency.credit_code, "name": agency.name},
        "name": found.name,
        "abstract": found.abstract,
        "share_attribute": found.share_attribute,
        "update_cycle": found.update_cycle,
        "modes": found.modes,
        "published_at": found.published_at,
    }


def _dataset(one: DatasetVersion) -> dict[str, Any]:
    names = ("number", "state", "rows_source", "rows_read", "rows_good", "rows_set_aside", "digest", "ready_at")
    return {name: getattr(one, name) for name in names}
