"""The catalogue: search with facets, and the page of one entry with its tabs."""

import uuid

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from adapters.errors import NotFound
from directory.catalogue.change import open_changes
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import published_version, version, versions_of
from directory.catalogue.search import CatalogueQuery, facets, search, total
from directory.datasets.models import DatasetVersion
from portal.access import SIGNED_IN, access, current_actor
from portal.edge import current_session
from portal.exports import export, wanted_export
from portal.filters import day, here_with, toggled
from portal.labels import label
from portal.languages import N_
from portal.names import agency_name, agency_names
from portal.pages.frame import NavigationEntry, Pages
from portal.pages.panels import panel_for
from portal.pages.reviews import open_steps

blueprint = Blueprint("catalogue", __name__, url_prefix="/catalogue")

FACETS = (
    ("share_attribute", N_("Share attribute"), "ShareAttribute"),
    ("agency_id", N_("Provider"), ""),
    ("theme", N_("Theme"), "themes"),
    ("update_cycle", N_("Update cycle"), "UpdateCycle"),
    ("state", N_("State"), "VersionState"),
)
SORTS = (("newest", N_("newest")), ("name", N_("name")), ("code", N_("code")))
TABS = (("about", N_("Basic information")), ("items", N_("Data items")), ("data", N_("Data")))
MOST_DATASETS = 50
EXPORT_PAGE = 200
MOST_EXPORTED = 20_000


@blueprint.get("/", endpoint="search")
@access(SIGNED_IN)
def search_page() -> ResponseReturnValue:
    """The list: words, facets, order, paging; the same address with ``export=`` gives it as a file."""
    session, actor, query = current_session(), current_actor(), wanted_query()
    if wanted_export():
        return _exported(query)
    found = facets(session, actor, query)
    names = agency_names(session, [uuid.UUID(option.value) for option in found["agency_id"]])
    labels = {str(agency_id): name for agency_id, name in names.items()}
    return render_template(
        "catalogue/search.html",
        page=search(session, actor, query, cursor=request.args.get("cursor"), limit=30),
        total=total(session, actor, query),
        query=query,
        facets=[
            (_(title), name, kind, [(o.value, labels.get(o.value, o.label), o.count) for o in found[name]])
            for name, title, kind in FACETS
        ],
        chips=_chips(query, labels),
        sorts=[(key, _(title)) for key, title in SORTS],
    )


@blueprint.get("/<uuid:resource_id>")
@access(SIGNED_IN)
def show(resource_id: uuid.UUID) -> str:
    """One entry: the version in force, or the newest that the reader may see."""
    session, actor = current_session(), current_actor()
    published = published_version(session, resource_id)
    newest = published or versions_of(session, actor, resource_id)[0]
    return _entry(version(session, actor, newest.id))


@blueprint.get("/versions/<uuid:version_id>", endpoint="version")
@access(SIGNED_IN)
def show_version(version_id: uuid.UUID) -> str:
    """One version of an entry."""
    return _entry(version(current_session(), current_actor(), version_id))


def wanted_query() -> CatalogueQuery:
    """The search that the address asks for.

    Raises:
        NotFound: an agency's id is none.
    """
    fields = request.args
    try:
        agencies = tuple(uuid.UUID(value) for value in fields.getlist("agency_id")[:20])
    except ValueError as error:
        raise NotFound("agency.unknown", "There is no such agency.") from error
    return CatalogueQuery(
        text=fields.get("text", "")[:200],
        share_attribute=tuple(fields.getlist("share_attribute")[:20]),
        agency_id=agencies,
        theme=tuple(fields.getlist("theme")[:50]),
        update_cycle=tuple(fields.getlist("update_cycle")[:20]),
        state=tuple(fields.getlist("state")[:10]) or ("PUBLISHED",),
        sort=fields.get("sort", "newest"),
    )


def _entry(found: ResourceVersion) -> str:
    session, actor = current_session(), current_actor()
    here = request.args.get("tab", "about")
    panel = panel_for(actor, session, found)
    datasets = session.scalars(
        select(DatasetVersion)
        .where(DatasetVersion.resource_id == found.resource_id)
        .order_by(DatasetVersion.number.desc())
        .limit(MOST_DATASETS)
    ).all()
    tabs = [(key, _(title), here_with(tab=key)) for key, title in TABS]
    tabs.append(("versions", _("Versions and changes"), here_with(tab="versions")))
    return render_template(
        "catalogue/entry.html",
        version=found,
        here=here if here in {"about", "items", "data", "versions"} else "about",
        tabs=tabs + [(tab.key, tab.title, tab.href) for tab in panel.tabs],
        panel=panel,
        datasets=datasets,
        versions=versions_of(session, actor, found.resource_id),
        open_steps=open_steps(actor, found),
        changes=open_changes(session, found.resource_id) if found.resource.agency_id == actor.agency_id else (),
    )


def _chips(query: CatalogueQuery, agencies: dict[str, str]) -> list[tuple[str, str]]:
    chips = [(_("Words: %(text)s", text=query.text), here_with(text=None))] if query.text.strip() else []
    for name, _title, kind in FACETS:
        for value in request.args.getlist(name):
            chips.append((agencies.get(value) or label(value, kind), toggled(name, value)))
    return chips


def _exported(query: CatalogueQuery) -> ResponseReturnValue:
    session, actor = current_session(), current_actor()
    heads = [
        _("Code"),
        _("Name"),
        _("Provider"),
        _("Share attribute"),
        _("Update cycle"),
        _("State"),
        _("Published on"),
    ]
    rows: list[list[str]] = []
    cursor: str | None = None
    while len(rows) < MOST_EXPORTED:
        page = search(session, actor, query, cursor=cursor, limit=EXPORT_PAGE)
        for found in page.items:
            rows.append(
                [
                    found.resource.code,
                    found.name,
                    agency_name(found.resource.agency),
                    label(found.share_attribute, "ShareAttribute"),
                    label(found.update_cycle, "UpdateCycle"),
                    label(found.state, "VersionState"),
                    day(found.published_at),
                ]
            )
        cursor = page.next_cursor
        if cursor is None:
            break
    return export(_("Catalogue"), heads, rows)


PAGES = Pages(blueprint, navigation=(NavigationEntry(N_("Catalogue"), "catalogue.search", order=10),))
