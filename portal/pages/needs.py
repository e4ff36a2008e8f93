"""Needs: asking for data that is not catalogued or not shared, and the provider's answer."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import Conflict, InvalidInput
from directory import permissions
from directory.agencies.models import Agency
from directory.catalogue.queries import published_version
from directory.people.queries import person_names
from directory.people.roles import Role
from exchange.needs import queries
from exchange.needs.answer import accept, refuse
from exchange.needs.models import Need, NeedState
from exchange.needs.raise_need import incomplete, raise_need, statement_problems
from exchange.needs.withdraw import withdraw
from portal import fields
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.agency_field import agencies_typed, not_one, offered_agencies
from portal.edge import current_session
from portal.filters import moment
from portal.forms import form_again
from portal.inputs import identifier
from portal.labels import label
from portal.languages import N_
from portal.lists import Column, Facet, as_they_are, listed
from portal.names import agency_names, agency_offered
from portal.pages.case import step_open, take
from portal.pages.frame import NavigationEntry, Pages

blueprint = Blueprint("needs", __name__, url_prefix="/needs")
STATE = Facet("state", N_("State"), "NeedState")
COLUMNS: tuple[Column[Need], ...] = (
    (N_("Number"), lambda need, names: need.number),
    (N_("What is needed"), lambda need, names: need.description),
    (N_("Requesting agency"), lambda need, names: names[need.requester_id]),
    (N_("Provider"), lambda need, names: names[need.provider_id]),
    (N_("State"), lambda need, names: label(need.state, "NeedState")),
    (N_("Raised at"), lambda need, names: moment(need.raised_at)),
)


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> ResponseReturnValue:
    """Needs that my agency raised, or was asked for."""
    actor = current_actor()
    usual = "asked" if actor.has(Role.ANSWERER) and not actor.has(Role.REQUESTER) else "mine"
    asked = request.args.get("view", usual) == "asked"
    return listed(
        "needs/index.html",
        N_("Needs"),
        queries.asked(actor) if asked else queries.own(actor),
        as_they_are,
        (STATE, Facet("requester", N_("Requesting agency")) if asked else Facet("provider", N_("Provider"))),
        COLUMNS,
        view="asked" if asked else "mine",
        views=[
            ("mine", _("Raised by my agency"), url_for(".index", view="mine")),
            ("asked", _("Asked of my agency"), url_for(".index", view="asked")),
        ],
        may_raise=actor.has(Role.REQUESTER),
    )


@blueprint.get("/new")
@access(roles(Role.REQUESTER))
def new() -> str:
    """State what is needed, of which agency."""
    provider = request.args.get("provider")
    agency = current_session().get(Agency, identifier(provider)) if provider else None
    return render_template("needs/new.html", **_form_page([agency] if agency else [], request.args.get("resource")))


@blueprint.post("/")
@access(roles(Role.REQUESTER))
def create() -> ResponseReturnValue:
    """Raise the need."""
    provider, resource = request.form.get("provider_id", ""), request.form.get("resource_id", "")
    found = agencies_typed(current_session(), provider, but=[current_actor().agency_id])
    stated = {name: request.form.get(name, "") for name in ("description", "purpose", "duty")}
    try:
        if len(found) != 1 or found[0].id == current_actor().agency_id:
            raise incomplete([_wrong_provider(found, provider), *statement_problems(**stated)])
        made = raise_need(
            current_session(),
            current_actor(),
            provider_id=found[0].id,
            **stated,
            resource_id=identifier(resource) if resource else None,
        )
    except (InvalidInput, Conflict) as error:
        return form_again(error, "needs/new.html", **_form_page(found, resource))
    flash(_("The need is raised; its provider answers on this page."), "success")
    return redirect(url_for(".show", need_id=made.id), 303)


@blueprint.get("/<uuid:need_id>")
@access(SIGNED_IN)
def show(need_id: uuid.UUID) -> str:
    """One need and its answer."""
    return render_template("needs/show.html", **_page(need_id))


@blueprint.post("/<uuid:need_id>/accept")
@access(roles(Role.ANSWERER))
def accept_(need_id: uuid.UUID) -> ResponseReturnValue:
    """Accept: the data will be catalogued or classified anew."""
    text = request.form.get("answer", "")
    return take(
        lambda: accept(current_session(), current_actor(), need_id, answer=text),
        _("The need is accepted."),
        url_for(".show", need_id=need_id),
        "needs/show.html",
        lambda: _page(need_id, "accept"),
    )


@blueprint.post("/<uuid:need_id>/refuse")
@access(roles(Role.ANSWERER))
def refuse_(need_id: uuid.UUID) -> ResponseReturnValue:
    """Refuse on law, regulation or rule."""
    text = request.form.get("answer", "")
    return take(
        lambda: refuse(current_session(), current_actor(), need_id, answer=text, basis=fields.basis("basis")),
        _("The need is refused, with its basis."),
        url_for(".show", need_id=need_id),
        "needs/show.html",
        lambda: _page(need_id, "refuse"),
    )


@blueprint.post("/<uuid:need_id>/withdraw")
@access(roles(Role.REQUESTER))
def withdraw_(need_id: uuid.UUID) -> ResponseReturnValue:
    """Withdraw the need."""
    reason = request.form.get("reason", "")
    return take(
        lambda: withdraw(current_session(), current_actor(), need_id, reason=reason),
        _("The need is withdrawn."),
        url_for(".show", need_id=need_id),
        "needs/show.html",
        lambda: _page(need_id, "withdraw"),
    )


def _wrong_provider(found: Sequence[Agency], text: str) -> dict[str, str]:
    if len(found) == 1:
        message = "This is your own agency. There is nothing to ask it for: choose the agency that holds the data."
        return {"pointer": "/provider_id", "message": message}
    return not_one(found, text, "/provider_id", "Choose the agency that holds the data.")


def _form_page(meant: Sequence[Agency], resource: str | None) -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    resource_id = identifier(resource) if resource else None
    return {
        "providers": offered_agencies(session, but=[actor.agency_id], first=meant),
        "provider": agency_offered(meant[0]) if len(meant) == 1 else "",
        "resource_id": resource_id,
        "version": published_version(session, resource_id) if resource_id else None,
    }


def _page(need_id: uuid.UUID, step: str = "") -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    need = queries.detail(session, actor, need_id)
    steps: set[str] = set()
    if need.state == NeedState.RAISED:
        if isinstance(permissions.answer(actor, need.provider_id), permissions.Allowed):
            steps |= {"ACCEPT", "REFUSE"}
        if isinstance(permissions.act_for_requester(actor, need.requester_id), permissions.Allowed):
            steps.add("WITHDRAW")
    return {
        "need": need,
        "steps": steps,
        "step": step if step.upper() in steps else step_open(steps),
        "agencies": agency_names(session, {need.provider_id, need.requester_id}),
        "names": person_names(session, {need.raised_by} | ({need.answered_by} if need.answered_by else set())),
        "version": published_version(session, need.resource_id) if need.resource_id else None,
    }


PAGES = Pages(
    blueprint,
    navigation=(NavigationEntry(N_("Needs"), "needs.index", order=29, shown_to=roles(Role.REQUESTER, Role.ANSWERER)),),
)
