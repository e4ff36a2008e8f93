"""People, their roles and accounts, appointments, and the programs of an agency; for its security administrator."""

import secrets
import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import ShuniuError
from directory.agencies.models import Office
from directory.agencies.queries import agency
from directory.people.accounts import freeze_account, open_account, reset_password, unfreeze_account
from directory.people.appointments import appoint as appoint_administrator
from directory.people.appointments import file
from directory.people.assign import assign_role, end_role
from directory.people.clients import NewClient, register_client, replace_secret, revoke_client
from directory.people.models import Account
from directory.people.queries import assignments, person
from directory.people.register import person_left, register_person
from directory.people.roles import Role
from directory.permissions import ALLOWED, administer_people, change_role, require
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.forms import form_again
from portal.inputs import identifier
from portal.pages.agencies import agency_page
from portal.pages.frame import Pages
from portal.pages.security_desk import desk_sections

blueprint = Blueprint("people", __name__, url_prefix="/people")
ADMINISTRATOR = roles(Role.SECURITY_ADMINISTRATOR)
PASSWORD_BYTES = 15


@blueprint.post("/agencies/<uuid:agency_id>")
@access(ADMINISTRATOR)
def register(agency_id: uuid.UUID) -> ResponseReturnValue:
    """Register a person of an agency."""
    try:
        made = register_person(current_session(), current_actor(), agency_id, request.form.get("name", ""))
    except ShuniuError as error:
        return form_again(error, "agencies/show.html", **agency_page(agency_id, "people"))
    return redirect(url_for("people.show", person_id=made.id), 303)


@blueprint.get("/<uuid:person_id>")
@access(ADMINISTRATOR)
def show(person_id: uuid.UUID) -> str:
    """A person's roles, past ones too, and account."""
    return render_template("people/show.html", **_page(person_id))


@blueprint.post("/<uuid:person_id>/roles")
@access(ADMINISTRATOR)
def give_role(person_id: uuid.UUID) -> ResponseReturnValue:
    """Give a role."""
    return _done(person_id, lambda: assign_role(current_session(), current_actor(), person_id, _field("role")))


@blueprint.post("/<uuid:person_id>/roles/end")
@access(ADMINISTRATOR)
def take_role(person_id: uuid.UUID) -> ResponseReturnValue:
    """End a role."""
    return _done(person_id, lambda: end_role(current_session(), current_actor(), person_id, _field("role")))


@blueprint.post("/<uuid:person_id>/left")
@access(ADMINISTRATOR)
def left(person_id: uuid.UUID) -> ResponseReturnValue:
    """Record that a person left: account, sign-ins, roles and appointment end."""
    return _done(person_id, lambda: person_left(current_session(), current_actor(), person_id))


@blueprint.post("/<uuid:person_id>/account")
@access(ADMINISTRATOR)
def account(person_id: uuid.UUID) -> ResponseReturnValue:
    """Open an account, or give an existing one a new password; the password is made here and shown once."""
    session, actor, password = current_session(), current_actor(), secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        if request.form.get("reset"):
            made = reset_password(session, actor, person_id, password)
        else:
            made = open_account(session, actor, person_id, _field("login"), password)
    except ShuniuError as error:
        return form_again(error, "people/show.html", **_page(person_id))
    facts = [(_("Login"), made.login), (_("Password"), password)]
    return render_template("people/once.html", facts=facts, back=url_for("people.show", person_id=person_id))


@blueprint.post("/<uuid:person_id>/account/freeze")
@access(ADMINISTRATOR)
def freeze(person_id: uuid.UUID) -> ResponseReturnValue:
    """Freeze an account, or let it in again."""
    step = unfreeze_account if request.form.get("thaw") else freeze_account
    return _done(person_id, lambda: step(current_session(), current_actor(), person_id))


@blueprint.post("/agencies/<uuid:agency_id>/administrator")
@access(ADMINISTRATOR)
def appoint(agency_id: uuid.UUID) -> ResponseReturnValue:
    """Appoint the data administrator and a deputy."""
    try:
        deputy = _field("deputy_id")
        appoint_administrator(
            current_session(),
            current_actor(),
            agency_id,
            identifier(_field("person_id")),
            identifier(deputy) if deputy else None,
        )
    except ShuniuError as error:
        return form_again(error, "agencies/show.html", **agency_page(agency_id, "people"))
    flash(_("Appointed. The regulator takes it on file."), "success")
    return redirect(url_for("agencies.show", agency_id=agency_id), 303)


@blueprint.post("/appointments/<uuid:appointment_id>/file")
@access(roles(Role.REGULATOR))
def file_appointment(appointment_id: uuid.UUID) -> ResponseReturnValue:
    """Take an appointment on file (备案)."""
    filed = file(current_session(), current_actor(), appointment_id)
    flash(_("The appointment is on file."), "success")
    return redirect(url_for("agencies.show", agency_id=filed.agency_id), 303)


@blueprint.post("/agencies/<uuid:agency_id>/programs")
@access(ADMINISTRATOR)
def register_program(agency_id: uuid.UUID) -> ResponseReturnValue:
    """Register a program; its secret is shown once."""
    try:
        made = register_client(
            current_session(), current_actor(), agency_id, _field("name"), identifier(_field("responsible_id"))
        )
    except ShuniuError as error:
        return form_again(error, "agencies/show.html", **agency_page(agency_id, "programs"))
    return _secret(made)


@blueprint.post("/programs/<uuid:client_id>/secret")
@access(ADMINISTRATOR)
def new_secret(client_id: uuid.UUID) -> ResponseReturnValue:
    """Give a program a new secret; the old one stops working at once."""
    return _secret(replace_secret(current_session(), current_actor(), client_id))


@blueprint.post("/programs/<uuid:client_id>/revoke")
@access(ADMINISTRATOR)
def revoke_program(client_id: uuid.UUID) -> ResponseReturnValue:
    """Revoke a program for good."""
    revoked = revoke_client(current_session(), current_actor(), client_id)
    flash(_("The program is revoked."), "success")
    return redirect(url_for("agencies.show", agency_id=revoked.agency_id, tab="programs"), 303)


def _secret(made: NewClient) -> str:
    facts = [(_("Client id"), made.client.client_id), (_("Secret"), made.secret)]
    back = url_for("agencies.show", agency_id=made.client.agency_id, tab="programs")
    return render_template("people/once.html", facts=facts, back=back)


def _page(person_id: uuid.UUID) -> dict[str, Any]:
    session, found = current_session(), person(current_session(), person_id)
    actor, office = current_actor(), Office(found.agency.office)
    require(administer_people(actor, found.agency_id))
    held = assignments(session, person_id)
    may = {role for role in Role if change_role(actor, person_id, found.agency_id, role, office) == ALLOWED}
    return {
        "person": found,
        "may_change": may,
        "agency": agency(session, found.agency_id),
        "assignments": held,
        "held_now": [one.role for one in held if one.held_to is None],
        "account_of_person": session.query(Account).filter_by(person_id=person_id).one_or_none(),
    }


def _field(name: str) -> str:
    return request.form.get(name, "").strip()


def _done(person_id: uuid.UUID, step: Any) -> ResponseReturnValue:
    try:
        step()
    except ShuniuError as error:
        return form_again(error, "people/show.html", **_page(person_id))
    return redirect(url_for("people.show", person_id=person_id), 303)


PAGES = Pages(blueprint, desk_sections=desk_sections)
