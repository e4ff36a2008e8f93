"""Online browsing: rows to look at without taking a copy; each page is a release with evidence of its own (R44)."""

import uuid
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from adapters.clock import system_now
from adapters.errors import InvalidInput
from directory.people.roles import Role
from exchange.errors import ReleaseRefused
from exchange.grants import queries
from exchange.modes.browse import page
from exchange.release import ReleaseRequest
from portal.access import access, current_account, current_actor, roles
from portal.edge import current_session, portal_settings
from portal.filters import moment
from portal.forms import form_again
from portal.names import agency_names
from portal.pages.frame import Pages
from schemas.words import Mode

blueprint = Blueprint("browse", __name__, url_prefix="/browse")


@blueprint.get("/<uuid:grant_id>")
@access(roles(Role.REQUESTER))
def start(grant_id: uuid.UUID) -> str:
    """Ask for purpose and case, once; nothing is shown before."""
    return render_template("browse/show.html", **_page(grant_id))


@blueprint.post("/<uuid:grant_id>")
@access(roles(Role.REQUESTER))
def rows(grant_id: uuid.UUID) -> ResponseReturnValue:
    """One page of rows."""
    session, actor, sent = current_session(), current_actor(), request.form
    purpose, matter = sent.get("purpose", "").strip(), sent.get("matter", "").strip()
    after = sent.get("after", "")
    asked = ReleaseRequest(actor, Mode.BROWSE, purpose[:4_000], matter[:300])
    queries.detail(session, actor, grant_id)
    try:
        _require_stated(purpose, matter)
        found = page(session, portal_settings(), grant_id, asked, after)
    except (InvalidInput, ReleaseRefused) as error:
        return form_again(error, "browse/show.html", **_page(grant_id))
    account = current_account()
    mark = f"{actor.name} {account.agency_name if account else ''} {moment(system_now())}"
    return render_template(
        "browse/show.html",
        **_page(grant_id),
        found=found,
        purpose=purpose,
        matter=matter,
        first=not after,
        mark=mark,
    )


def _require_stated(purpose: str, matter: str) -> None:
    problems = []
    if not purpose:
        problems.append({"pointer": "/purpose", "message": "State the purpose of use."})
    if not matter:
        problems.append({"pointer": "/matter", "message": "Name the case that you handle with the data."})
    if problems:
        raise InvalidInput("browse.unstated", "Nothing was shown: say what for and for which case.", problems)


def _page(grant_id: uuid.UUID) -> dict[str, Any]:
    session = current_session()
    grant = queries.detail(session, current_actor(), grant_id)
    return {"grant": grant, "provider_name": agency_names(session, {grant.provider_id})[grant.provider_id]}


PAGES = Pages(blueprint)
