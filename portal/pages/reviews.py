"""Review, secrecy review and publication of catalogue versions; what waits for those who do them."""

import uuid
from collections.abc import Callable, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, ShuniuError
from adapters.paging import Page
from audit.actor import Actor
from directory.catalogue import desk
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.publish import publish_version
from directory.catalogue.queries import version
from directory.catalogue.review import approve_version, return_version
from directory.catalogue.secrecy import review_secrecy, secrecy_passed
from directory.catalogue.states import Step, steps_from
from directory.people.queries import person_names
from directory.people.roles import Role
from directory.permissions import Denied
from directory.permissions import compile_entry as may_compile
from directory.permissions import publish_version as may_publish
from directory.permissions import review_secrecy as may_review_secrecy
from directory.permissions import review_version as may_review
from directory.permissions import withdraw_version as may_withdraw
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.forms import form_again
from portal.languages import N_
from portal.pages.compile import expected_version
from portal.pages.frame import DeskItem, DeskSection, Pages
from portal.pages.panels import Button, Panel, add_panel
from schemas.rule_sets import rule_set

blueprint = Blueprint("reviews", __name__, url_prefix="/reviews")
REVIEWERS = roles(Role.REVIEWER, Role.SECRECY_REVIEWER, Role.COMPILER)
MOST_REASONS = 50


@blueprint.get("/<uuid:version_id>")
@access(REVIEWERS)
def show(version_id: uuid.UUID) -> str:
    """The version item by item, and the forms of the steps that are open to the reader."""
    return render_template("reviews/show.html", **_page(version_id))


@blueprint.post("/<uuid:version_id>/review")
@access(roles(Role.REVIEWER))
def review(version_id: uuid.UUID) -> ResponseReturnValue:
    """Approve, or return with reasons per field, by three criteria."""
    session, actor, form = current_session(), current_actor(), request.form
    met = {name: form.get(name) == "1" for name in ("accurate", "complete", "compliant")}
    try:
        if form.get("decision") == "approve":
            _all_met(met)
            approve_version(session, actor, version_id, comment=form.get("comment", ""), expected=expected_version())
        else:
            return_version(
                session,
                actor,
                version_id,
                reasons=_reasons(),
                comment=form.get("comment", ""),
                expected=expected_version(),
                **met,
            )
    except ShuniuError as error:
        return form_again(error, "reviews/show.html", **_page(version_id))
    flash(_("The review is recorded."), "success")
    return redirect(url_for("catalogue.version", version_id=version_id), 303)


@blueprint.post("/<uuid:version_id>/secrecy")
@access(roles(Role.SECRECY_REVIEWER))
def secrecy(version_id: uuid.UUID) -> ResponseReturnValue:
    """Record the secrecy review."""
    form = request.form
    try:
        review_secrecy(
            current_session(),
            current_actor(),
            version_id,
            passed=form.get("passed") == "1",
            document=form.get("document", ""),
            comment=form.get("comment", ""),
            expected=expected_version(),
        )
    except ShuniuError as error:
        return form_again(error, "reviews/show.html", **_page(version_id))
    flash(_("The secrecy review is recorded."), "success")
    return redirect(url_for("catalogue.version", version_id=version_id), 303)


@blueprint.post("/<uuid:version_id>/publish")
@access(roles(Role.COMPILER, Role.REVIEWER))
def publish(version_id: uuid.UUID) -> ResponseReturnValue:
    """Publish a version that passed both reviews."""
    published = publish_version(current_session(), current_actor(), version_id, expected=expected_version())
    flash(_("Published."), "success")
    return redirect(url_for("catalogue.show", resource_id=published.resource_id), 303)


def _all_met(met: dict[str, bool]) -> None:
    """Whoever approves says so of each criterion; one left unticked by oversight must not return the entry.

    Raises:
        InvalidInput: a criterion is not ticked.
    """
    if not all(met.values()):
        sentence = "An entry is approved when it is accurate, complete and compliant. Tick all three, or return it."
        problem = "Tick this, or return the entry with a reason."
        missing = [{"pointer": f"/{name}", "message": problem} for name, ticked in met.items() if not ticked]
        raise InvalidInput("review.criteria", sentence, missing)


def _reasons() -> list[dict[str, str]]:
    pairs = zip(request.form.getlist("path"), request.form.getlist("reason"), strict=False)
    return [{"path": path, "reason": reason} for path, reason in pairs if reason.strip()][:MOST_REASONS]


def _page(version_id: uuid.UUID) -> dict[str, object]:
    session, actor = current_session(), current_actor()
    found = version(session, actor, version_id)
    people = [uuid.UUID(text) for text in found.compilers] + [review.reviewer_id for review in found.reviews]
    people += [review.reviewer_id for review in found.secrecy_reviews]
    return {
        "version": found,
        "open_steps": open_steps(actor, found),
        "names": person_names(session, people),
        "compilers": [uuid.UUID(text) for text in found.compilers],
        "paths": [(f"items/{item.position - 1}", f"{item.position} {item.name}") for item in found.items],
    }


def open_steps(actor: Actor, found: ResourceVersion) -> frozenset[str]:
    """What this reader may do with this version now: words of ``Step``, and ``REVIEW`` and ``SECRECY``."""
    agency_id, state = found.resource.agency_id, steps_from(found.state)
    compilers = [uuid.UUID(text) for text in found.compilers]
    separate = rule_set(found.rule_set).step("separate_reviewer_required")
    published = found.state == VersionState.PUBLISHED
    may = {
        "EDIT": Step.EDIT in state and _yes(may_compile(actor, agency_id)),
        "SUBMIT": Step.SUBMIT in state and _yes(may_compile(actor, agency_id)),
        "NEXT": published and _yes(may_compile(actor, agency_id)),
        "REVIEW": Step.APPROVE in state and _yes(may_review(actor, agency_id, compilers, separate)),
        "SECRECY": Step.PASS_SECRECY in state
        and not secrecy_passed(found)
        and _yes(may_review_secrecy(actor, agency_id, compilers, separate)),
        "PUBLISH": Step.PUBLISH in state and secrecy_passed(found) and _yes(may_publish(actor, agency_id)),
        "WITHDRAW": Step.WITHDRAW in state and _yes(may_withdraw(actor, agency_id, published)),
    }
    return frozenset(name for name, open_ in may.items() if open_)


def _yes(decision: object) -> bool:
    return not isinstance(decision, Denied)


def _panel(actor: Actor, _session: Session, found: ResourceVersion) -> Panel:
    steps, buttons = open_steps(actor, found), []
    if steps & {"REVIEW", "SECRECY", "PUBLISH"}:
        buttons.append(Button(_("Review and publish"), url_for("reviews.show", version_id=found.id), "primary"))
    if "EDIT" in steps:
        buttons.append(Button(_("Edit"), url_for("compile.edit", version_id=found.id), "primary"))
    return Panel(buttons=buttons)


Waiting = Callable[..., Page[ResourceVersion]]


def _desk(actor: Actor, session: Session) -> Sequence[DeskSection]:
    sections = []
    heaps: list[tuple[Role, str, Waiting, str, str]] = [
        (Role.REVIEWER, N_("Entries to review"), desk.waiting_for_review, "reviews.show", N_("No entry waits.")),
        (Role.SECRECY_REVIEWER, N_("Secrecy reviews"), desk.waiting_for_secrecy_review, "reviews.show", ""),
        (Role.REVIEWER, N_("Entries to publish"), desk.waiting_for_publication, "reviews.show", ""),
        (Role.COMPILER, N_("Returned to me"), desk.returned, "compile.edit", ""),
        (Role.COMPILER, N_("My agency's entries"), desk.entries, "catalogue.version", N_("Compile the first entry.")),
    ]
    for order, (role, title, waiting, endpoint, empty) in enumerate(heaps):
        if actor.has(role):
            page = waiting(session, actor, limit=10)
            items = [
                DeskItem(
                    href=url_for(endpoint, version_id=found.id),
                    title=found.name,
                    detail=found.resource.code,
                    state=found.state,
                    kind="VersionState",
                    since=found.submitted_at,
                )
                for found in page.items
            ]
            more_wait = page.next_cursor is not None
            sections.append(DeskSection(title, items, len(items), empty=empty, order=20 + order, at_least=more_wait))
    return sections


add_panel(_panel)
PAGES = Pages(blueprint, desk_sections=_desk)
