"""Lists on pages: facets with counts, chips, sorting, paging and the file of what is shown, all from one listing."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from adapters.listing import Chosen, Counted, Listing
from adapters.paging import LARGEST_PAGE, Page
from portal.edge import current_session
from portal.exports import Cell, every, export, wanted_export
from portal.filters import here_with, toggled
from portal.i18n import translate
from portal.labels import LABELS, label
from portal.languages import N_
from portal.names import agency_names

T = TypeVar("T")
R = TypeVar("R")
Names = Mapping[uuid.UUID, str]
Column = tuple[str, Callable[[R, Names], Cell]]
"""A column of the exported file: English message id of its head, and the cell of a row."""
PAGE = 30
MOST_OPTIONS = 15
AGENCY_FIELDS = {"provider", "requester", "receiver"}
"""Names of the listings' facets that hold agencies."""
SORTS = {
    "score": N_("score"),
    "newest": N_("newest"),
    "oldest": N_("oldest"),
    "due": N_("answer due"),
    "ends": N_("end of term"),
    "number": N_("number"),
    "largest": N_("size"),
    "name": N_("name"),
    "short_code": N_("short code"),
    "credit_code": N_("unified social credit code"),
}


@dataclass(frozen=True)
class Facet:
    """One group of filters.

    Attributes:
        field: name of the listing's facet, and query field.
        title: English message id.
        kind: enumeration or code list of its words (see ``portal.labels.label``); "" for agencies.
    """

    field: str
    title: str
    kind: str = ""


def listed(
    template: str,
    title: str,
    listing: Listing[T],
    rows: Callable[[Page[T]], Page[R]],
    facets: Sequence[Facet],
    columns: Sequence[Column[R]],
    hand_out: Callable[[str, Sequence[str], Iterable[Sequence[Cell]]], Response] = export,
    **more: Any,
) -> ResponseReturnValue:
    """The page of a list, or with ``export=`` its rows as a file.

    Args:
        template: gets ``list`` (what ``ui.listed`` shows around the table), ``page``, ``agencies`` and ``more``.
        title: English message id, the file's name.
        listing: the list as the reader may see it.
        rows: what a page of the listing is shown as; ``as_they_are`` for its own entities.
        columns: of the file.
        hand_out: makes the file of its name, heads and rows.

    Raises:
        UnknownPlace: the cursor is none of this list's.
    """
    session = current_session()
    chosen, counted = _chosen(listing, facets), listing.counted(session)
    names = agency_names(session, _agencies(counted))
    order = request.args.get("sort", "")
    if wanted_export():
        found = every(lambda at: rows(listing.page(session, chosen, order=order, cursor=at, limit=LARGEST_PAGE)))
        cells = ([cell(row, names) for _head, cell in columns] for row in found)
        return hand_out(translate(title), [translate(head) for head, _cell in columns], cells)
    page = rows(listing.page(session, chosen, order=order, cursor=request.args.get("cursor"), limit=PAGE))
    shown = {
        "facets": [
            (translate(one.title), one.field, one.kind, _options(counted.by(one.field, chosen), one, chosen, names))
            for one in facets
        ],
        "chips": [
            (_text(value, one, names), toggled(one.field, value)) for one in facets for value in chosen[one.field]
        ],
        "without": here_with(**{one.field: None for one in facets}),
        "sorts": [(key, translate(SORTS[key])) for key in listing.orders],
        "sort": order if order in listing.orders else next(iter(listing.orders)),
        "next_cursor": page.next_cursor,
        "total": counted.total(chosen),
    }
    return render_template(template, list=shown, page=page, agencies=names, **more)


def as_they_are(page: Page[T]) -> Page[T]:
    """Rows that are shown as the listing gives them."""
    return page


def _chosen(listing: Listing[Any], facets: Sequence[Facet]) -> dict[str, list[str]]:
    known = listing.known({one.field: request.args.getlist(one.field) for one in facets})
    for one in facets:
        if one.kind in LABELS:
            known[one.field] = [word for word in known[one.field] if word in LABELS[one.kind]]
    return known


def _agencies(counted: Counted) -> set[uuid.UUID]:
    """Agencies of every row the reader may see; lists name their agencies by these."""
    of_agencies = [at for at, field in enumerate(counted.fields) if field in AGENCY_FIELDS]
    return {uuid.UUID(values[at]) for values, _count in counted.groups for at in of_agencies if values[at]}


def _options(counts: Mapping[str, int], facet: Facet, chosen: Chosen, names: Names) -> list[tuple[str, str, int]]:
    """The facet's values with a count, a chosen one even with none: words in their order, agencies by count."""
    there = {value: count for value, count in counts.items() if count} | {
        value: counts.get(value, 0) for value in chosen[facet.field]
    }
    order = list(LABELS.get(facet.kind, ()))
    by_place = sorted(there, key=lambda value: (order.index(value) if value in order else -there[value], value))
    shown = [value for at, value in enumerate(by_place) if at < MOST_OPTIONS or value in chosen[facet.field]]
    return [(value, _text(value, facet, names), there[value]) for value in shown]


def _text(value: str, facet: Facet, names: Names) -> str:
    return label(value, facet.kind) if facet.kind else names.get(uuid.UUID(value), value)
