"""The register of agencies: the list, one agency's page by tabs, registering, renaming, systems and their addresses."""

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import ShuniuError
from directory.agencies.models import Agency
from directory.agencies.queries import agency
from directory.agencies.queries import register as search_register
from directory.agencies.register import register_agency
from directory.agencies.rename import rename_agency
from directory.keys.queries import keys
from directory.people.queries import appointments, assignments, clients, people, person_names
from directory.people.roles import Role
from directory.permissions import (
    Denied,
    administer_agencies,
    administer_clients,
    administer_people,
    allow_address,
    hold_keys,
    register_system,
    revoke_key,
)
from directory.systems.queries import systems
from directory.systems.register import allow_address as let_address_in
from directory.systems.register import register_system as enter_system
from directory.systems.register import withdraw_address
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.edge import current_session
from portal.forms import form_again
from portal.inputs import whole_number
from portal.labels import label
from portal.languages import N_
from portal.lists import Column, Facet, as_they_are, listed
from portal.pages.frame import NavigationEntry, Pages

blueprint = Blueprint("agencies", __name__, url_prefix="/agencies")
ADMINISTRATOR = roles(Role.SYSTEM_ADMINISTRATOR)
TABS = (
    ("about", N_("Basic information")),
    ("people", N_("People and roles")),
    ("programs", N_("Programs")),
    ("keys", N_("Keys")),
    ("systems", N_("Systems")),
)
LARGEST_PORT = 65_535
FACETS = (
    Facet("office", N_("Office"), "Office"),
    Facet("kind", N_("Kind"), "AgencyKind"),
    Facet("level", N_("Level"), "AgencyLevel"),
)
COLUMNS: tuple[Column[Agency], ...] = (
    (N_("Name"), lambda one, names: one.name),
    (N_("English name"), lambda one, names: one.name_en),
    (N_("Unified social credit code"), lambda one, names: one.credit_code),
    (N_("Short code"), lambda one, names: one.short_code),
    (N_("Kind"), lambda one, names: label(one.kind, "AgencyKind")),
    (N_("Level"), lambda one, names: label(one.level, "AgencyLevel")),
    (N_("Office"), lambda one, names: label(one.office, "Office")),
)


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> ResponseReturnValue:
    """All agencies, found by words and narrowed by office, kind and level."""
    text = request.args.get("text", "")[:200]
    may_register = not isinstance(administer_agencies(current_actor()), Denied)
    return listed(
        "agencies/index.html",
        N_("Agencies"),
        search_register(text),
        as_they_are,
        FACETS,
        COLUMNS,
        text=text,
        may_register=may_register,
    )


@blueprint.get("/new")
@access(ADMINISTRATOR)
def new() -> str:
    """The form for a new agency."""
    return render_template("agencies/new.html")


@blueprint.post("/new")
@access(ADMINISTRATOR)
def register() -> ResponseReturnValue:
    """Register an agency."""
    form = request.form
    try:
        made = register_agency(
            current_session(),
            current_actor(),
            credit_code=form.get("credit_code", ""),
            short_code=form.get("short_code", ""),
            name=form.get("name", ""),
            name_en=form.get("name_en", ""),
            kind=form.get("kind", ""),
            level=form.get("level", ""),
            office=form.get("office", ""),
        )
    except ShuniuError as error:
        return form_again(error, "agencies/new.html")
    flash(_("The agency is registered."), "success")
    return redirect(url_for("agencies.show", agency_id=made.id), 303)


@blueprint.get("/<uuid:agency_id>")
@access(SIGNED_IN)
def show(agency_id: uuid.UUID) -> str:
    """One agency, by tabs."""
    return render_template("agencies/show.html", **agency_page(agency_id))


@blueprint.post("/<uuid:agency_id>/name")
@access(ADMINISTRATOR)
def rename(agency_id: uuid.UUID) -> ResponseReturnValue:
    """Give an agency a new name or code; the former ones stay findable."""
    form = request.form
    try:
        rename_agency(
            current_session(),
            current_actor(),
            agency_id,
            name=form.get("name", ""),
            name_en=form.get("name_en", ""),
            credit_code=form.get("credit_code") or None,
        )
    except ShuniuError as error:
        return form_again(error, "agencies/show.html", **agency_page(agency_id))
    flash(_("The name is changed; the former one stays findable."), "success")
    return redirect(url_for("agencies.show", agency_id=agency_id), 303)


@blueprint.post("/<uuid:agency_id>/systems")
@access(roles(Role.SYSTEM_ADMINISTRATOR, Role.COMPILER))
def add_system(agency_id: uuid.UUID) -> ResponseReturnValue:
    """Enter an information system."""
    form = request.form
    try:
        enter_system(
            current_session(), current_actor(), agency_id, form.get("system_name", ""), form.get("network", "")
        )
    except ShuniuError as error:
        return form_again(error, "agencies/show.html", **agency_page(agency_id, "systems"))
    return redirect(url_for("agencies.show", agency_id=agency_id, tab="systems"), 303)


@blueprint.post("/<uuid:agency_id>/systems/<uuid:system_id>/addresses")
@access(ADMINISTRATOR)
def add_address(agency_id: uuid.UUID, system_id: uuid.UUID) -> ResponseReturnValue:
    """Let the hub read from an address of a system."""
    port = whole_number(request.form.get("port", ""), 0, 0, LARGEST_PORT)
    try:
        let_address_in(current_session(), current_actor(), system_id, request.form.get("host", ""), port)
    except ShuniuError as error:
        return form_again(error, "agencies/show.html", **agency_page(agency_id, "systems"))
    return redirect(url_for("agencies.show", agency_id=agency_id, tab="systems"), 303)


@blueprint.post("/<uuid:agency_id>/addresses/<uuid:address_id>/withdraw")
@access(ADMINISTRATOR)
def remove_address(agency_id: uuid.UUID, address_id: uuid.UUID) -> ResponseReturnValue:
    """Take an address out of the register; sources there are read no more."""
    withdraw_address(current_session(), current_actor(), address_id)
    return redirect(url_for("agencies.show", agency_id=agency_id, tab="systems"), 303)


def agency_page(agency_id: uuid.UUID, tab: str = "") -> dict[str, Any]:
    """What the page of an agency shows on a tab, as far as the reader may see it."""
    session, actor = current_session(), current_actor()
    found = agency(session, agency_id)
    may = {
        "name": not isinstance(administer_agencies(actor), Denied),
        "people": not isinstance(administer_people(actor, agency_id), Denied),
        "programs": not isinstance(administer_clients(actor, agency_id), Denied),
        "keys": actor.agency_id == agency_id and not isinstance(hold_keys(actor, agency_id), Denied),
        "revoke": not isinstance(revoke_key(actor, agency_id), Denied),
        "systems": not isinstance(register_system(actor, agency_id), Denied),
        "addresses": not isinstance(allow_address(actor), Denied),
    }
    shown = {"about", "keys", "systems"} | ({"people", "programs"} if may["people"] else set())
    wanted = tab or request.args.get("tab", "about")
    here = wanted if wanted in shown else "about"
    page: dict[str, Any] = {"agency": found, "here": here, "may": may}
    page["tabs"] = [
        (key, _(title), url_for("agencies.show", agency_id=agency_id, tab=key)) for key, title in TABS if key in shown
    ]
    return page | _shown_on(here, agency_id)


def _shown_on(tab: str, agency_id: uuid.UUID) -> dict[str, Any]:
    session, actor, cursor = current_session(), current_actor(), request.args.get("cursor")
    if tab == "people":
        page = people(session, actor, agency_id, cursor=cursor)
        held = {one.id: [a.role for a in assignments(session, one.id) if a.held_to is None] for one in page.items}
        return {"page": page, "held": held}
    if tab == "programs":
        programs = clients(session, actor, agency_id, cursor=cursor)
        officials = [(one.id, one.name) for one in people(session, actor, agency_id, limit=200).items]
        return {"page": programs, "people": officials}
    if tab == "keys":
        return {"page": keys(session, agency_id, cursor=cursor)}
    if tab == "systems":
        return {"page": systems(session, agency_id, cursor=cursor)}
    filed = appointments(session, agency_id=agency_id, limit=10).items
    ids = [who for one in filed for who in (one.person_id, one.deputy_id) if who is not None]
    return {"appointments": filed, "names": person_names(session, ids)}


PAGES = Pages(blueprint, navigation=(NavigationEntry(N_("Agencies"), "agencies.index", order=70),))
