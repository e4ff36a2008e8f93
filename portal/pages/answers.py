"""What the provider does with an application, and the office where its day of receipt is disputed."""

import uuid
from collections.abc import Callable

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import InvalidInput
from directory.people.roles import Role
from exchange.applications.answer import ItemAnswer, answer
from exchange.applications.models import Decision
from exchange.applications.receipt import register_receipt, settle_receipt
from exchange.applications.stated import MOST_ITEMS
from portal import fields
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.pages.applications import case_page
from portal.pages.case import take
from portal.pages.frame import Pages
from portal.pages.provider_desk import desk_sections

blueprint = Blueprint("answers", __name__, url_prefix="/applications")


@blueprint.post("/<uuid:application_id>/receipt")
@access(roles(Role.ANSWERER))
def receipt(application_id: uuid.UUID) -> ResponseReturnValue:
    """Register the receipt of the written form."""
    return _step(
        application_id,
        "register_receipt",
        lambda: register_receipt(
            current_session(),
            current_actor(),
            application_id,
            received_on=fields.day("received_on"),
            receiver=request.form.get("receiver", ""),
        ),
        _("The receipt is registered; the term for the answer runs."),
    )


@blueprint.post("/<uuid:application_id>/receipt/settle")
@access(roles(Role.COORDINATOR))
def settle(application_id: uuid.UUID) -> ResponseReturnValue:
    """Settle a disputed day of receipt."""
    return _step(
        application_id,
        "settle_receipt",
        lambda: settle_receipt(
            current_session(),
            current_actor(),
            application_id,
            received_on=fields.day("received_on"),
            reason=request.form.get("reason", ""),
        ),
        _("The day of receipt is settled; the term for the answer runs from it."),
    )


@blueprint.post("/<uuid:application_id>/answer")
@access(roles(Role.ANSWERER))
def create(application_id: uuid.UUID) -> ResponseReturnValue:
    """Record the answer, item by item."""
    return _step(
        application_id,
        "answer",
        lambda: answer(
            current_session(),
            current_actor(),
            application_id,
            reason=request.form.get("reason", ""),
            items=_decided(),
            expected=fields.expected(),
        ),
        _("The answer is recorded and has taken effect."),
    )


def _decided() -> list[ItemAnswer]:
    """The decisions of the form, fields ``items-0-field``, ``items-0-decision`` and so on.

    Raises:
        InvalidInput: an item has no decision.
    """
    found = []
    for position in range(MOST_ITEMS + 1):
        prefix = f"items-{position}"
        if f"{prefix}-field" not in request.form:
            break
        refused = request.form.get(f"{prefix}-decision") == Decision.REFUSED
        if not refused and request.form.get(f"{prefix}-decision") != Decision.AGREED:
            raise InvalidInput(
                "answer.undecided",
                "The answer was not recorded: an item has no decision yet. Agree to each item or refuse it.",
                [{"pointer": f"/items/{position}/decision", "message": "Agree to this item or refuse it."}],
            )
        found.append(
            ItemAnswer(
                field_name=request.form[f"{prefix}-field"],
                decision=Decision.REFUSED if refused else Decision.AGREED,
                reason=request.form.get(f"{prefix}-reason", ""),
                basis=fields.basis(f"{prefix}-basis") if refused else None,
            )
        )
    return found


def _step(application_id: uuid.UUID, step: str, act: Callable[[], object], done: str) -> ResponseReturnValue:
    onwards = url_for("applications.show", application_id=application_id)
    return take(act, done, onwards, "applications/show.html", lambda: case_page(application_id, step))


PAGES = Pages(blueprint, desk_sections=desk_sections)
