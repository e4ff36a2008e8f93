"""Registering and revoking an agency's keys: challenge, proof of possession, register."""

import uuid

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import ShuniuError
from directory.keys.register import challenge, presented, register_key
from directory.keys.revoke import revoke_key
from directory.people.roles import Role
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.forms import form_again
from portal.inputs import identifier
from portal.pages.agencies import agency_page
from portal.pages.frame import Pages

blueprint = Blueprint("keys", __name__, url_prefix="/keys")
HOLDERS = roles(Role.SIGNATORY, Role.SECURITY_ADMINISTRATOR, Role.REQUESTER)


@blueprint.post("/")
@access(HOLDERS)
def begin() -> ResponseReturnValue:
    """Ask for the challenge that proves that a new key is the agency's."""
    session, actor, form = current_session(), current_actor(), request.form
    try:
        made = challenge(session, actor, form.get("purpose", ""), form.get("public_key", ""))
    except ShuniuError as error:
        if actor.agency_id is None:
            raise
        return form_again(error, "agencies/show.html", **agency_page(actor.agency_id, "keys"))
    facts = {"challenge_id": made.id, "purpose": made.purpose, "text": presented(made)}
    return render_template("keys/prove.html", **facts)


@blueprint.post("/prove")
@access(HOLDERS)
def prove() -> ResponseReturnValue:
    """Take the answer to the challenge and register the key."""
    form = request.form
    challenge_id = identifier(form.get("challenge_id", ""))
    try:
        made = register_key(current_session(), current_actor(), challenge_id, form.get("answer", "").strip())
    except ShuniuError as error:
        facts = {"challenge_id": challenge_id, "purpose": form.get("purpose", ""), "text": form.get("text", "")}
        return form_again(error, "keys/prove.html", **facts)
    flash(_("The key is registered."), "success")
    return redirect(url_for("agencies.show", agency_id=made.agency_id, tab="keys"), 303)


@blueprint.post("/<uuid:key_id>/revoke")
@access(HOLDERS)
def revoke(key_id: uuid.UUID) -> ResponseReturnValue:
    """Revoke a key for good."""
    revoked = revoke_key(current_session(), current_actor(), key_id)
    flash(_("The key is revoked."), "success")
    return redirect(url_for("agencies.show", agency_id=revoked.agency_id, tab="keys"), 303)


PAGES = Pages(blueprint)
