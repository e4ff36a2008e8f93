"""Applications: the list, applying from a catalogue entry, the page of one case, the form that is printed."""

import uuid
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.clock import case_today
from adapters.errors import InvalidInput, NotFound
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import version as catalogue_version
from directory.people.queries import person_names
from directory.people.roles import Role
from directory.permissions import Allowed, supervise
from exchange.applications import queries
from exchange.applications.decisions import agreed_items, condition_refused
from exchange.applications.draft import amend, draft
from exchange.applications.generate_form import generate_form
from exchange.applications.hand_over import record_hand_over
from exchange.applications.models import Application
from exchange.applications.steps import Step
from exchange.applications.withdraw import withdraw
from exchange.deliveries.queries import of_grant
from exchange.disputes.raise_dispute import raise_dispute
from portal import fields
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.edge import current_session
from portal.filters import day, here_with
from portal.forms import form_again
from portal.inputs import identifier
from portal.labels import label
from portal.languages import N_
from portal.lists import Column, Facet, listed
from portal.names import agency_names
from portal.pages.case import answer_rule, case_timeline, reads_evidence, rule_note, step_open, take
from portal.pages.entry_panel import entry_panel
from portal.pages.frame import NavigationEntry, Pages
from portal.pages.panels import add_panel
from portal.pages.qr import qr_code
from portal.pages.requester_desk import desk_sections
from schemas.words import ShareAttribute

blueprint = Blueprint("applications", __name__, url_prefix="/applications")

TABS = (
    ("case", N_("Application")),
    ("items", N_("Items and answers")),
    ("after", N_("Agreement, grant, deliveries")),
    ("timeline", N_("Timeline")),
)
NEXT = {
    "DRAFT": N_("The requester checks the draft and generates the numbered form. Nothing is sent before that."),
    "FORM_GENERATED": N_(
        "The requester prints the form, has it sealed and hands it over in writing. The provider registers its receipt;"
        " the term for the answer starts on that day."
    ),
    "RECEIVED": N_("The provider answers item by item, with reasons. Silence decides nothing."),
    "AGREEMENT_PENDING": N_("Both sides sign the secrecy agreement with their agency's key. Then the grant opens."),
    "GRANTED": N_("The requester takes the data under the grant, in the agreed ways, for the stated purpose."),
    "REFUSED": N_("The requester may object once to this answer; the coordinating office then coordinates."),
    "IN_DISPUTE": N_("The coordinating office hears both sides and concludes."),
    "ANSWER_DIRECTED": N_("The provider answers the refused items anew, within the term that is shown."),
    "CLOSED": N_("This application is closed. Apply anew if the data is still needed."),
}
STATE = Facet("state", N_("State"), "ApplicationState")
REQUESTER, PROVIDER = Facet("requester", N_("Requesting agency")), Facet("provider", N_("Provider"))
FACETS = {"mine": (STATE, PROVIDER), "received": (STATE, REQUESTER), "overdue": (STATE, PROVIDER, REQUESTER)}
FACETS["all"] = FACETS["overdue"]
COLUMNS: tuple[Column[queries.ApplicationRow], ...] = (
    (N_("Number"), lambda row, names: row.number),
    (N_("Requesting agency"), lambda row, names: names[row.requester_id]),
    (N_("Provider"), lambda row, names: names[row.provider_id]),
    (N_("Entry"), lambda row, names: row.resource_name),
    (N_("Items"), lambda row, names: row.items),
    (N_("State"), lambda row, names: label(row.state, "ApplicationState")),
    (N_("Received on"), lambda row, names: day(row.received_on)),
    (N_("Answer due"), lambda row, names: day(row.due_on)),
    (N_("Working days left"), lambda row, names: row.days_left),
)
CONDITION_REFUSED = N_(
    "The item that rows are chosen by is refused, and each row would tell its value, so no grant opens on the items"
    " agreed to. The requester applies anew without this condition, or objects to the answer."
)


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> ResponseReturnValue:
    """Applications of my agency or to it; those who supervise see every agency's, and which answers are overdue."""
    session, actor = current_session(), current_actor()
    views = _views()
    view = request.args.get("view", "all" if actor.has(Role.AUDITOR) else views[0][0])
    if view == "received":
        listing = queries.received(actor)
    elif view == "overdue":
        listing = queries.late(session, actor)
    elif view == "all":
        listing = queries.of_all(actor)
    else:
        view, listing = "mine", queries.own(actor)
    return listed(
        "applications/index.html",
        N_("Applications"),
        listing,
        partial(queries.rows, session),
        FACETS[view],
        COLUMNS,
        view=view,
        views=views,
        may_apply=actor.has(Role.REQUESTER),
    )


@blueprint.get("/new")
@access(roles(Role.REQUESTER))
def new() -> str:
    """Pick items of a published entry and say what for."""
    return render_template("applications/edit.html", **_form_page(identifier(request.args.get("version", ""))))


@blueprint.post("/")
@access(roles(Role.REQUESTER))
def create() -> ResponseReturnValue:
    """Save the draft."""
    version_id = identifier(request.form.get("version", ""))
    try:
        made = draft(current_session(), current_actor(), version_id=version_id, **_stated())
    except InvalidInput as error:
        return form_again(error, "applications/edit.html", **_form_page(version_id))
    flash(_("The draft is saved. Read it once more, then generate the form."), "success")
    return redirect(url_for(".show", application_id=made.id), 303)


@blueprint.get("/<uuid:application_id>")
@access(SIGNED_IN)
def show(application_id: uuid.UUID) -> str:
    """The case: state, what comes next, deadline, tabs, and the form of one step when asked for."""
    return render_template("applications/show.html", **case_page(application_id))


@blueprint.get("/<uuid:application_id>/edit")
@access(roles(Role.REQUESTER))
def edit(application_id: uuid.UUID) -> ResponseReturnValue:
    """Change a draft; what is frozen already is only shown."""
    if Step.AMEND not in queries.detail(current_session(), current_actor(), application_id).steps:
        return redirect(url_for(".show", application_id=application_id), 303)
    return render_template("applications/edit.html", **_edit_page(application_id))


@blueprint.post("/<uuid:application_id>/edit")
@access(roles(Role.REQUESTER))
def save(application_id: uuid.UUID) -> ResponseReturnValue:
    """Save a changed draft."""
    return take(
        lambda: amend(current_session(), current_actor(), application_id, expected=fields.expected(), **_stated()),
        _("The draft is saved."),
        url_for(".show", application_id=application_id),
        "applications/edit.html",
        lambda: _edit_page(application_id),
    )


@blueprint.post("/<uuid:application_id>/form")
@access(roles(Role.REQUESTER))
def generate(application_id: uuid.UUID) -> ResponseReturnValue:
    """Number and freeze the application; it can then be printed."""
    return take(
        lambda: generate_form(current_session(), current_actor(), application_id, expected=fields.expected()),
        _("The form is generated. Print it, have it sealed, and hand it over to the provider in writing."),
        url_for(".form", application_id=application_id),
        "applications/show.html",
        lambda: case_page(application_id),
    )


@blueprint.get("/<uuid:application_id>/form")
@access(SIGNED_IN)
def form(application_id: uuid.UUID) -> str:
    """The frozen form as it is printed, with its digest and a QR code that leads back to the case.

    Raises:
        NotFound: no form was generated yet.
    """
    detail = queries.detail(current_session(), current_actor(), application_id)
    application = detail.application
    if application.form is None:
        raise NotFound("application.no_form", "This application has no form yet. Generate it from the draft.")
    address = url_for(".show", application_id=application_id, _external=True)
    return render_template(
        "applications/form.html",
        application=application,
        form_data=application.form,
        qr=qr_code(f"{address}#sha256={application.form_digest}"),
        rule=rule_note(application.rule_set),
    )


@blueprint.post("/<uuid:application_id>/hand-over")
@access(roles(Role.REQUESTER))
def hand_over(application_id: uuid.UUID) -> ResponseReturnValue:
    """Record that the written form went over."""
    return _step(
        application_id,
        "record_hand_over",
        lambda: record_hand_over(
            current_session(),
            current_actor(),
            application_id,
            handed_over_on=fields.day("handed_over_on"),
            proof=request.form.get("proof", ""),
        ),
        _("The hand-over is recorded. The term starts when the provider registers the receipt."),
    )


@blueprint.post("/<uuid:application_id>/withdraw")
@access(roles(Role.REQUESTER))
def withdraw_(application_id: uuid.UUID) -> ResponseReturnValue:
    """Withdraw the application."""
    reason = request.form.get("reason", "")
    return _step(
        application_id,
        "withdraw",
        lambda: withdraw(current_session(), current_actor(), application_id, reason=reason),
        _("The application is withdrawn; what lived under it has ended."),
    )


@blueprint.post("/<uuid:application_id>/dispute")
@access(roles(Role.REQUESTER))
def dispute(application_id: uuid.UUID) -> ResponseReturnValue:
    """Object to the newest answer."""
    text = request.form.get("text", "")
    return _step(
        application_id,
        "raise_dispute",
        lambda: raise_dispute(current_session(), current_actor(), application_id, text=text),
        _("Your objection is before the coordinating office. Follow it here."),
    )


def _step(application_id: uuid.UUID, step: str, act: Any, done: str) -> ResponseReturnValue:
    onwards = url_for("applications.show", application_id=application_id)
    return take(act, done, onwards, "applications/show.html", lambda: case_page(application_id, step))


def case_page(application_id: uuid.UUID, step: str = "") -> dict[str, Any]:
    """What the case's page needs.

    Args:
        step: the step whose form is shown; by default the one that the address asks for.
    """
    session, actor = current_session(), current_actor()
    detail = queries.detail(session, actor, application_id)
    application = detail.application
    step = step if step.upper() in detail.steps else step_open(detail.steps)
    here = request.args.get("tab", "case")
    people = {each.recorded_by for each in application.hand_overs} | {application.applied_by}
    people |= {each.answered_by for each in application.answers}
    if application.receipt is not None:
        people.add(application.receipt.registered_by)
    return {
        "detail": detail,
        "application": application,
        "step": step,
        "here": here if here in dict(TABS) else "case",
        "tabs": [(key, _(title), here_with(tab=key, step=None)) for key, title in TABS],
        "next_sentence": _(_next(application)),
        "rule": answer_rule(application.rule_set),
        "rule_note": rule_note(application.rule_set),
        "today": case_today(session),
        "names": person_names(session, people),
        "timeline": case_timeline(session, f"application/{application.id}") if here == "timeline" else [],
        "deliveries": [each for grant in detail.grants for each in of_grant(session, grant.id, 20)]
        if here == "after"
        else [],
        "reads_evidence": reads_evidence(actor, application.requester, application.provider),
        "Step": Step,
    }


def _next(application: Application) -> str:
    held = application.state == "REFUSED" and agreed_items(application) and condition_refused(application)
    return CONDITION_REFUSED if held else NEXT[application.state]


def _views() -> list[tuple[str, str, str]]:
    actor = current_actor()
    provider = (("received", N_("Received by my agency")),)
    mine = (("mine", N_("Of my agency")),)
    found = [*provider, *mine] if actor.has(Role.ANSWERER) and not actor.has(Role.REQUESTER) else [*mine, *provider]
    if isinstance(supervise(actor), Allowed):
        found[:0] = [("overdue", N_("Overdue, of all agencies")), ("all", N_("Of all agencies"))]
    return [(key, _(title), url_for(".index", view=key)) for key, title in found]


def _stated() -> dict[str, Any]:
    sent = request.form
    condition = None
    if sent.get("condition_field"):
        values = [line.strip() for line in sent.get("condition_values", "").splitlines() if line.strip()]
        condition = {"field": sent["condition_field"], "operator": sent.get("condition_operator"), "values": values}
    return {
        "items": sent.getlist("items"),
        "scope": sent.get("scope", ""),
        "purpose": sent.get("purpose", ""),
        "duty": sent.get("duty", ""),
        "modes": sent.getlist("modes"),
        "term_to": fields.day_given("term_to"),
        "quota_rows": fields.optional_number("quota_rows", unreadable=0),
        "row_condition": condition,
    }


def _form_page(version_id: uuid.UUID, application: Application | None = None) -> dict[str, Any]:
    session = current_session()
    version: ResourceVersion = catalogue_version(session, current_actor(), version_id)
    return {
        "version": version,
        "provider_name": agency_names(session, {version.resource.agency_id})[version.resource.agency_id],
        "application": application,
        "chosen": [each.data_item.field_name for each in application.items] if application else [],
        "row_fields": [
            (item.field_name, item.name)
            for item in version.items
            if item.share_attribute != ShareAttribute.NO_SHARING and not item.masking
        ],
        "today": case_today(session),
    }


def _edit_page(application_id: uuid.UUID) -> dict[str, Any]:
    application = queries.detail(current_session(), current_actor(), application_id).application
    return _form_page(application.resource_version_id, application)


add_panel(entry_panel)

PAGES = Pages(
    blueprint,
    navigation=(NavigationEntry(N_("Applications"), "applications.index", order=20),),
    desk_sections=desk_sections,
)
