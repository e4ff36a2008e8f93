"""Disputes: both sides on one page, questions to departments, conclusion, escalation, ruling."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from directory import permissions
from directory.people.queries import person_names
from directory.people.roles import Role
from exchange.applications.decisions import decisions
from exchange.applications.steps import steps_of_dispute
from exchange.disputes import queries
from exchange.disputes.ask import ask_department
from exchange.disputes.conclude import conclude
from exchange.disputes.escalate import escalate
from exchange.disputes.models import Dispute, Outcome
from exchange.disputes.rule import rule
from exchange.disputes.state import state
from exchange.disputes.withdraw import withdraw
from portal import fields
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.agency_field import Offer, agencies_typed, not_one, offered_agencies
from portal.edge import current_session
from portal.filters import day
from portal.labels import label
from portal.languages import N_
from portal.lists import Column, Facet, as_they_are, listed
from portal.names import agency_names
from portal.pages.case import answer_rule, case_timeline, step_open, take
from portal.pages.coordinator_desk import desk_sections
from portal.pages.frame import NavigationEntry, Pages

blueprint = Blueprint("disputes", __name__, url_prefix="/disputes")
OFFICE = roles(Role.COORDINATOR)
FACETS = (
    Facet("state", N_("State"), "DisputeState"),
    Facet("requester", N_("Requesting agency")),
    Facet("provider", N_("Provider")),
)
COLUMNS: tuple[Column[Dispute], ...] = (
    (N_("Number"), lambda dispute, names: dispute.number),
    (N_("Entry"), lambda dispute, names: dispute.application.resource_version.name),
    (N_("Requesting agency"), lambda dispute, names: names[dispute.application.requester_id]),
    (N_("Provider"), lambda dispute, names: names[dispute.application.provider_id]),
    (N_("State"), lambda dispute, names: label(dispute.state, "DisputeState")),
    (N_("Raised on"), lambda dispute, names: day(dispute.raised_on)),
)


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> ResponseReturnValue:
    """Disputes in which my agency takes part; those who supervise see every agency's, first those that wait."""
    actor = current_actor()
    supervises = isinstance(permissions.supervise(actor), permissions.Allowed)
    view = request.args.get("view", "open" if supervises else "mine")
    listings = {"open": queries.waiting, "all": queries.of_all}
    listing = listings.get(view, queries.of_agency)(actor)
    titles = {"open": _("Open, of all agencies"), "all": _("Of all agencies")} if supervises else {}
    titles["mine"] = _("With my agency")
    return listed(
        "disputes/index.html",
        N_("Disputes"),
        listing,
        as_they_are,
        FACETS,
        COLUMNS,
        view=view if view in titles else "mine",
        views=[(key, title, url_for(".index", view=key)) for key, title in titles.items()],
    )


@blueprint.get("/<uuid:dispute_id>")
@access(SIGNED_IN)
def show(dispute_id: uuid.UUID) -> str:
    """One dispute: what was refused, what both sides say, what was concluded."""
    return render_template("disputes/show.html", **_page(dispute_id))


@blueprint.post("/<uuid:dispute_id>/statement")
@access(roles(Role.REQUESTER, Role.ANSWERER))
def state_(dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Add my agency's statement."""
    text = request.form.get("text", "")
    return _step(
        dispute_id,
        "state",
        lambda: state(current_session(), current_actor(), dispute_id, text=text),
        _("The statement is recorded; both sides and the office read it."),
    )


@blueprint.post("/<uuid:dispute_id>/question")
@access(OFFICE)
def ask(dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Ask a department."""
    return _step(
        dispute_id,
        "ask_department",
        lambda: _ask(dispute_id, request.form.get("agency_id", ""), request.form.get("question", "")),
        _("The department is asked; it can now read this dispute and state its view."),
    )


@blueprint.post("/<uuid:dispute_id>/conclusion")
@access(OFFICE)
def conclude_(dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Conclude the dispute."""
    text = request.form.get("text", "")
    return _step(
        dispute_id,
        "conclude",
        lambda: conclude(
            current_session(), current_actor(), dispute_id, outcome=fields.word("outcome", Outcome), text=text
        ),
        _("The dispute is concluded, and both sides are bound by it."),
    )


@blueprint.post("/<uuid:dispute_id>/escalation")
@access(OFFICE)
def escalate_(dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Put the dispute before the leading group."""
    text = request.form.get("text", "")
    return _step(
        dispute_id,
        "escalate",
        lambda: escalate(current_session(), current_actor(), dispute_id, text=text),
        _("The dispute is before the leading group."),
    )


@blueprint.post("/<uuid:dispute_id>/ruling")
@access(OFFICE)
def rule_(dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Record the leading group's ruling."""
    text, document = request.form.get("text", ""), request.form.get("document", "")
    return _step(
        dispute_id,
        "rule",
        lambda: rule(
            current_session(),
            current_actor(),
            dispute_id,
            outcome=fields.word("outcome", Outcome),
            text=text,
            document=document,
        ),
        _("The ruling is recorded. It is final."),
    )


@blueprint.post("/<uuid:dispute_id>/withdraw")
@access(roles(Role.REQUESTER))
def withdraw_(dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Withdraw the objection."""
    reason = request.form.get("reason", "")
    return _step(
        dispute_id,
        "withdraw_dispute",
        lambda: withdraw(current_session(), current_actor(), dispute_id, reason=reason),
        _("The objection is withdrawn; the answer stays as it is."),
    )


def _ask(dispute_id: uuid.UUID, department: str, question: str) -> None:
    """Ask the department that was typed.

    Raises:
        InvalidInput: it is none, or several.
    """
    session, actor = current_session(), current_actor()
    found = agencies_typed(session, department, but=_concerned(queries.detail(session, actor, dispute_id)))
    if len(found) != 1:
        problem = not_one(found, department, "/agency_id", "Choose a department that is no side of the dispute.")
        raise InvalidInput("dispute.ask_whom", "Nobody was asked. Say which department is meant.", [problem])
    ask_department(session, actor, dispute_id, agency_id=found[0].id, question=question)


def _concerned(dispute: Dispute) -> tuple[uuid.UUID | None, ...]:
    """Both sides and the office: none of them is a department to ask."""
    return (dispute.application.requester_id, dispute.application.provider_id, current_actor().agency_id)


def _step(dispute_id: uuid.UUID, step: str, act: Callable[[], object], done: str) -> ResponseReturnValue:
    onwards = url_for("disputes.show", dispute_id=dispute_id)
    return take(act, done, onwards, "disputes/show.html", lambda: _page(dispute_id, step))


def _page(dispute_id: uuid.UUID, step: str = "") -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    dispute = queries.detail(session, actor, dispute_id)
    application = dispute.application
    steps = steps_of_dispute(actor, dispute)
    step = step if step.upper() in steps else step_open(steps)
    sides = (application.requester_id, application.provider_id)
    ids = {*sides, *(s.agency_id for s in dispute.statements), *(s.asked_id for s in dispute.statements if s.asked_id)}
    people = {s.person_id for s in dispute.statements} | {c.concluded_by for c in dispute.conclusions}
    departments = _departments(session, dispute) if step == "ask_department" else []
    party = actor.agency_id in sides or actor.has(Role.COORDINATOR, Role.REGULATOR, Role.AUDITOR)
    return {
        "dispute": dispute,
        "application": application,
        "decisions": decisions(application),
        "answers": [each for each in application.answers if each.round <= dispute.answer_round],
        "steps": steps,
        "step": step,
        "sides": sides,
        "agencies": agency_names(session, ids),
        "names": person_names(session, people),
        "departments": departments,
        "rule": answer_rule(application.rule_set),
        "party": party,
        "timeline": case_timeline(session, f"application/{application.id}") if party else [],
    }


def _departments(session: Session, dispute: Dispute) -> list[Offer]:
    """Departments to ask: those that may be meant by what was typed, or the first by name."""
    but = _concerned(dispute)
    meant = agencies_typed(session, request.form.get("agency_id", ""), but=but)
    return offered_agencies(session, but=but, first=meant)


PAGES = Pages(
    blueprint,
    navigation=(
        NavigationEntry(
            N_("Disputes"),
            "disputes.index",
            order=30,
            shown_to=roles(Role.REQUESTER, Role.ANSWERER, Role.COORDINATOR, Role.REGULATOR, Role.AUDITOR),
        ),
    ),
    desk_sections=desk_sections,
)
