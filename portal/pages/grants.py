"""Grants: what my agency may take, what others may take of its data, and stopping that."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from audit.actor import Actor
from directory.agencies.models import Agency
from directory.people.roles import Role
from directory.permissions import Allowed, operates_security, see_grant, supervise
from exchange.applications.steps import steps_of_grant
from exchange.deliveries.queries import of_grant
from exchange.grants import queries
from exchange.grants.end import end
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.resume import resume
from exchange.grants.suspend import suspend
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.edge import current_session
from portal.filters import day, here_with
from portal.labels import label
from portal.languages import N_
from portal.lists import Column, Facet, as_they_are, listed
from portal.names import agency_names
from portal.pages.case import reads_evidence, step_open, take
from portal.pages.frame import NavigationEntry, Pages

blueprint = Blueprint("grants", __name__, url_prefix="/grants")

STOPPERS = roles(Role.ANSWERER, Role.SECURITY_ADMINISTRATOR)
ENDERS = roles(Role.ANSWERER, Role.SECURITY_ADMINISTRATOR, Role.REQUESTER)
TABS = (("terms", N_("Terms")), ("deliveries", N_("Deliveries")), ("releases", N_("What left")))
VIEWS = (
    ("all", N_("Of all agencies")),
    ("mine", N_("Applied for by my agency")),
    ("standing", N_("For every agency")),
    ("given", N_("On my agency's data")),
)
STATE = Facet("state", N_("State"), "GrantState")
REQUESTER, PROVIDER = Facet("requester", N_("Requesting agency")), Facet("provider", N_("Provider"))
FACETS = {"given": (STATE, REQUESTER), "all": (STATE, PROVIDER, REQUESTER)}
COLUMNS: tuple[Column[Grant], ...] = (
    (N_("Number"), lambda grant, names: grant.number),
    (N_("Code"), lambda grant, names: grant.resource.code),
    (N_("Entry"), lambda grant, names: grant.resource_version.name),
    (N_("Provider"), lambda grant, names: names[grant.provider_id]),
    (
        N_("Requesting agency"),
        lambda grant, names: names[grant.requester_id] if grant.requester_id else _("every agency"),
    ),
    (N_("Items"), lambda grant, names: len(grant.items)),
    (N_("Ways of delivery"), lambda grant, names: _(", ").join(label(mode, "Mode") for mode in grant.modes)),
    (N_("State"), lambda grant, names: label(grant.state, "GrantState")),
    (N_("Valid to"), lambda grant, names: day(grant.valid_to)),
    (N_("Rows of the quota used"), lambda grant, names: grant.used_rows if grant.quota_rows is not None else None),
    (N_("Row quota"), lambda grant, names: grant.quota_rows),
)
MOST_RELEASES = 50


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> ResponseReturnValue:
    """Grants of my agency, the standing ones, those on my agency's resources; all, for those who supervise."""
    actor = current_actor()
    gives = actor.has(Role.ANSWERER) and not actor.has(Role.REQUESTER)
    listings = {"mine": queries.held(actor), "standing": queries.standing(), "given": queries.given(actor)}
    supervises = isinstance(supervise(actor), Allowed)
    if supervises:
        listings = {"all": queries.of_all(actor)} | listings
    view = request.args.get("view", "all" if supervises else "given" if gives else "mine")
    view = view if view in listings else "mine"
    return listed(
        "grants/index.html",
        N_("Grants"),
        listings[view],
        as_they_are,
        FACETS.get(view, (STATE, PROVIDER)),
        COLUMNS,
        view=view,
        views=[(key, _(title), url_for(".index", view=key)) for key, title in VIEWS if key in listings],
    )


@blueprint.get("/<uuid:grant_id>")
@access(SIGNED_IN)
def show(grant_id: uuid.UUID) -> str:
    """One grant: its terms, what was delivered and what left under it."""
    return render_template("grants/show.html", **_page(grant_id))


@blueprint.post("/<uuid:grant_id>/suspend")
@access(STOPPERS)
def suspend_(grant_id: uuid.UUID) -> ResponseReturnValue:
    """Suspend the grant."""
    done = _("The grant is suspended. Nothing leaves under it from now on.")
    return _step(grant_id, "suspend_grant", suspend, done)


@blueprint.post("/<uuid:grant_id>/resume")
@access(STOPPERS)
def resume_(grant_id: uuid.UUID) -> ResponseReturnValue:
    """Let a suspended grant live again."""
    return _step(grant_id, "resume_grant", resume, _("The grant is active again."), _after_resuming(grant_id))


def _after_resuming(grant_id: uuid.UUID) -> str:
    """The grant, or the desk for who sees suspended grants alone."""
    return url_for("desk.show") if operates_security(current_actor()) else url_for("grants.show", grant_id=grant_id)


@blueprint.post("/<uuid:grant_id>/end")
@access(ENDERS)
def end_(grant_id: uuid.UUID) -> ResponseReturnValue:
    """End the grant for good."""
    return _step(grant_id, "end_grant", end, _("The grant has ended."))


def _step(
    grant_id: uuid.UUID, step: str, service: Callable[..., Grant], done: str, onwards: str = ""
) -> ResponseReturnValue:
    reason = request.form.get("reason", "")
    return take(
        lambda: service(current_session(), current_actor(), grant_id, reason=reason),
        done,
        onwards or url_for("grants.show", grant_id=grant_id),
        "grants/show.html",
        lambda: _page(grant_id, step),
    )


def _page(grant_id: uuid.UUID, step: str = "") -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    grant = queries.detail(session, actor, grant_id)
    steps = steps_of_grant(actor, grant)
    whole = isinstance(see_grant(actor, grant.requester_id, grant.provider_id), Allowed)
    tabs = [(key, _(title), here_with(tab=key, step=None)) for key, title in TABS] if whole else []
    here = request.args.get("tab", "terms") if whole else "terms"
    party = grant.requester_id is not None or actor.agency_id == grant.provider_id
    mine = () if party else (ReleaseRecord.agency_id == actor.agency_id,)
    releases = (
        session.scalars(
            select(ReleaseRecord)
            .where(ReleaseRecord.grant_id == grant.id, *mine)
            .order_by(ReleaseRecord.authorised_at.desc())
            .limit(MOST_RELEASES)
        ).all()
        if here == "releases"
        else []
    )
    deliveries = of_grant(session, grant.id) if here == "deliveries" else ()
    if not party:
        deliveries = tuple(each for each in deliveries if each.agency_id == actor.agency_id)
    ids = {grant.provider_id, *(r.agency_id for r in releases), *(d.agency_id for d in deliveries)}
    ids |= {grant.requester_id} if grant.requester_id else set()
    return {
        "grant": grant,
        "fields": [item for item in grant.resource_version.items if item.field_name in set(grant.items)],
        "agencies": agency_names(session, ids),
        "steps": steps,
        "step": step if step.upper() in steps else step_open(steps),
        "here": here if here in dict(TABS) else "terms",
        "tabs": tabs,
        "whole": whole,
        "releases": releases,
        "reads_evidence": not party or _reads_evidence(actor, grant),
        "deliveries": deliveries,
        "only_own": not party,
    }


def _reads_evidence(actor: Actor, grant: Grant) -> bool:
    ids = {grant.provider_id} | ({grant.requester_id} if grant.requester_id else set())
    return reads_evidence(actor, *current_session().scalars(select(Agency).where(Agency.id.in_(ids))))


PAGES = Pages(blueprint, navigation=(NavigationEntry(N_("Grants"), "grants.index", order=26),))
