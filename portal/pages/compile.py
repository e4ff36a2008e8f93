"""Compiling: new entries, changing drafts, next versions of published entries, submitting, withdrawing."""

import uuid
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from adapters.errors import InvalidInput, ShuniuError
from directory.catalogue.compile import draft_next_version, draft_resource, edit_version
from directory.catalogue.content import entry_of, items_of
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import version
from directory.catalogue.submit import submit_version
from directory.catalogue.withdraw import withdraw_version
from directory.people.roles import Role
from directory.systems.queries import systems
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.forms import form_again
from portal.inputs import whole_number
from portal.languages import N_
from portal.pages.entry_form import (
    MOST_ITEMS,
    count_from_form,
    entry_from_form,
    fields_of_items,
    items_from_form,
    without_row,
)
from portal.pages.frame import NavigationEntry, Pages

blueprint = Blueprint("compile", __name__, url_prefix="/compile")
COMPILER = roles(Role.COMPILER)
FIRST_ROWS = 3


@blueprint.get("/new")
@access(COMPILER)
def new() -> str:
    """The form for a new entry."""
    return render_template("compile/form.html", **_page(None))


@blueprint.post("/new")
@access(COMPILER)
def create() -> ResponseReturnValue:
    """Draft a new entry, or add or take out a row of items and show the form again."""
    again = _rows_changed(None)
    if again is not None:
        return again
    try:
        made = draft_resource(current_session(), current_actor(), entry_from_form(), items_from_form())
    except ShuniuError as error:
        return form_again(error, "compile/form.html", **_page(None))
    return _saved(made)


@blueprint.get("/<uuid:version_id>")
@access(COMPILER)
def edit(version_id: uuid.UUID) -> str:
    """The form of a draft or returned version."""
    return render_template("compile/form.html", **_page(version_id))


@blueprint.post("/<uuid:version_id>")
@access(COMPILER)
def change(version_id: uuid.UUID) -> ResponseReturnValue:
    """Save a draft or returned version."""
    again = _rows_changed(version_id)
    if again is not None:
        return again
    try:
        made = edit_version(
            current_session(),
            current_actor(),
            version_id,
            entry_from_form(),
            items_from_form(),
            expected=expected_version(),
        )
    except ShuniuError as error:
        return form_again(error, "compile/form.html", **_page(version_id))
    return _saved(made)


@blueprint.post("/<uuid:version_id>/submit")
@access(COMPILER)
def submit(version_id: uuid.UUID) -> ResponseReturnValue:
    """Hand a version in for review."""
    submit_version(current_session(), current_actor(), version_id, expected=expected_version())
    flash(_("Submitted. Somebody else reviews it now."), "success")
    return redirect(url_for("catalogue.version", version_id=version_id), 303)


@blueprint.post("/resources/<uuid:resource_id>/next")
@access(COMPILER)
def next_version(resource_id: uuid.UUID) -> ResponseReturnValue:
    """Start the next version of a published entry."""
    made = draft_next_version(current_session(), current_actor(), resource_id, day_from_form("changed_on"))
    return redirect(url_for("compile.edit", version_id=made.id), 303)


@blueprint.post("/<uuid:version_id>/withdraw")
@access(roles(Role.COMPILER, Role.REVIEWER))
def withdraw(version_id: uuid.UUID) -> ResponseReturnValue:
    """Take a version out, with a reason."""
    reason = request.form.get("reason", "")
    withdraw_version(current_session(), current_actor(), version_id, reason=reason, expected=expected_version())
    flash(_("Withdrawn."), "success")
    return redirect(url_for("catalogue.version", version_id=version_id), 303)


def expected_version() -> int | None:
    """The ``lock_version`` that the form was filled from."""
    text = request.form.get("lock_version", "")
    return whole_number(text, 0, 0, 2**31 - 1) if text else None


def day_from_form(field: str) -> date:
    """A day from a form's field.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return date.fromisoformat(request.form.get(field, ""))
    except ValueError as error:
        sentence = "Enter a day such as 2026-11-22."
        raise InvalidInput("input.day", sentence, [{"pointer": f"/{field}", "message": sentence}]) from error


def _page(version_id: uuid.UUID | None) -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    found = version(session, actor, version_id) if version_id else None
    rows = fields_of_items(items_of(found)) if found else []
    count = count_from_form() if request.method == "POST" else len(rows) or FIRST_ROWS
    known = systems(session, actor.agency_id).items if actor.agency_id else ()
    return {
        "version": found,
        "entry": entry_of(found) if found else {},
        "rows": rows + [{}] * (count - len(rows)),
        "count": count,
        "systems": [(system.name, system.name) for system in known],
        "last_review": found.reviews[-1] if found and found.state == "RETURNED" and found.reviews else None,
    }


def _rows_changed(version_id: uuid.UUID | None) -> ResponseReturnValue | None:
    """Show the form again with a row more or less, when one of those buttons was pressed."""
    pressed, page = request.form.get("rows", ""), _page(version_id)
    if pressed == "add":
        page["count"] = min(page["count"] + 1, MOST_ITEMS)
        filled: MultiDict[str, str] = request.form
    elif pressed.isdigit() and page["count"] > 1:
        page["count"] -= 1
        filled = without_row(int(pressed))
    else:
        return None
    page["rows"] = [{}] * page["count"]
    return render_template("compile/form.html", filled=filled, errors={}, **page)


def _saved(made: ResourceVersion) -> ResponseReturnValue:
    if request.form.get("then") == "submit":
        submit_version(current_session(), current_actor(), made.id)
        flash(_("Submitted. Somebody else reviews it now."), "success")
    else:
        flash(_("Saved as a draft."), "success")
    return redirect(url_for("catalogue.version", version_id=made.id), 303)


PAGES = Pages(blueprint, navigation=(NavigationEntry(N_("Compile"), "compile.new", order=20, shown_to=COMPILER),))
