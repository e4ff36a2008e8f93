"""Deliveries: asking for a file or a package, how far it is, fetching and acknowledging it."""

import base64
import hashlib
import json
import uuid
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import Conflict, InvalidInput, NotAllowed
from adapters.work import Work
from audit.promise import promised_about
from directory import permissions
from directory.keys.models import KeyPurpose
from directory.keys.queries import current_key
from directory.keys.signing import public_text, signature_from_text
from directory.people.roles import Role
from exchange.deliveries import queries
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.address import signed_address
from exchange.deliveries.bundle import may_take
from exchange.deliveries.fetch import FETCHABLE
from exchange.deliveries.models import Delivery, DeliveryState, FileFormat
from exchange.deliveries.progress import revoke
from exchange.deliveries.request import asked_by
from exchange.deliveries.request import request as request_delivery
from exchange.grants import queries as grants
from exchange.grants.load import may_stop
from portal import fields
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.bundles import bundle_answer
from portal.edge import current_session, portal_settings
from portal.filters import moment, work_problem
from portal.forms import form_again
from portal.inputs import identifier
from portal.labels import label
from portal.languages import N_
from portal.lists import Column, Facet, as_they_are, listed
from portal.names import agency_names
from portal.pages.case import step_open, take
from portal.pages.frame import NavigationEntry, Pages
from portal.wake import wake_after_commit
from schemas.words import Mode

blueprint = Blueprint("deliveries", __name__, url_prefix="/deliveries")
LARGEST_RECEIPT_FILE = 16_384
FACETS = (Facet("state", N_("State"), "DeliveryState"), Facet("format", N_("Format"), "FileFormat"))
COLUMNS: tuple[Column[Delivery], ...] = (
    (N_("Number"), lambda each, names: each.number),
    (N_("Entry"), lambda each, names: each.grant.resource_version.name),
    (N_("Provider"), lambda each, names: names[each.grant.provider_id]),
    (N_("Receiver"), lambda each, names: names[each.agency_id]),
    (N_("Format"), lambda each, names: label(each.format, "FileFormat")),
    (N_("Case"), lambda each, names: each.matter),
    (N_("State"), lambda each, names: label(each.state, "DeliveryState")),
    (N_("Asked for"), lambda each, names: moment(each.requested_at)),
    (N_("Rows"), lambda each, names: each.rows),
    (N_("Size"), lambda each, names: each.bytes),
)


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> ResponseReturnValue:
    """Deliveries to my agency, or of its data to others."""
    actor = current_actor()
    gives = actor.has(Role.ANSWERER) and not actor.has(Role.REQUESTER)
    given = request.args.get("view", "given" if gives else "mine") == "given"
    return listed(
        "deliveries/index.html",
        N_("Deliveries"),
        queries.given(actor) if given else queries.received(actor),
        as_they_are,
        (*FACETS, Facet("receiver", N_("Receiver")) if given else Facet("provider", N_("Provider"))),
        COLUMNS,
        view="given" if given else "mine",
        views=[
            ("mine", _("To my agency"), url_for(".index", view="mine")),
            ("given", _("Of my agency's data"), url_for(".index", view="given")),
        ],
    )


@blueprint.get("/new")
@access(roles(Role.REQUESTER))
def new() -> str:
    """Ask for a file or a package under a grant."""
    return render_template("deliveries/new.html", **_form_page(identifier(request.args.get("grant", ""))))


@blueprint.post("/")
@access(roles(Role.REQUESTER))
def create() -> ResponseReturnValue:
    """Ask; Airflow is woken once the request is committed."""
    grant_id = identifier(request.form.get("grant", ""))
    try:
        format = fields.word("format", FileFormat)
        made = request_delivery(
            current_session(),
            current_actor(),
            grant_id=grant_id,
            mode=Mode.OFFLINE if format is FileFormat.PACKAGE else Mode.FILES,
            format=format,
            purpose=request.form.get("purpose", ""),
            matter=request.form.get("matter", ""),
        )
    except (InvalidInput, Conflict, NotAllowed) as error:
        return form_again(error, "deliveries/new.html", **_form_page(grant_id))
    wake_after_commit(made.work_id)
    flash(_("Your request is recorded. This page shows how far it is; you can leave it and come back."), "success")
    return redirect(url_for(".show", delivery_id=made.id), 303)


@blueprint.get("/<uuid:delivery_id>")
@access(SIGNED_IN)
def show(delivery_id: uuid.UUID) -> str:
    """One delivery: how far it is, its signed address, its receipt."""
    return render_template("deliveries/show.html", **_page(delivery_id))


@blueprint.get("/<uuid:delivery_id>/progress")
@access(SIGNED_IN)
def progress(delivery_id: uuid.UUID) -> ResponseReturnValue:
    """The part of the page that changes while the delivery is being prepared."""
    delivery = queries.detail(current_session(), current_actor(), delivery_id)
    answer = Response(render_template("deliveries/progress.html", delivery=delivery))
    if delivery.state != DeliveryState.REQUESTED:
        answer.headers["HX-Refresh"] = "true"
    return answer


@blueprint.get("/<uuid:delivery_id>/evidence")
@access(SIGNED_IN, commits=True)
def evidence(delivery_id: uuid.UUID) -> Response:
    """The evidence bundle of a delivery, which `shuniu audit check` checks offline."""
    return bundle_answer(delivery_id)


@blueprint.post("/<uuid:delivery_id>/acknowledge")
@access(roles(Role.REQUESTER), upload=True)
def acknowledge_(delivery_id: uuid.UUID) -> ResponseReturnValue:
    """Acknowledge what arrived, or turn it down."""
    return take(
        lambda: _acknowledge(delivery_id),
        _("The receipt is recorded."),
        url_for(".show", delivery_id=delivery_id),
        "deliveries/show.html",
        lambda: _page(delivery_id, "acknowledge"),
    )


@blueprint.post("/<uuid:delivery_id>/revoke")
@access(roles(Role.ANSWERER, Role.SECURITY_ADMINISTRATOR))
def revoke_(delivery_id: uuid.UUID) -> ResponseReturnValue:
    """Take a delivery back."""
    reason = request.form.get("reason", "")
    return take(
        lambda: revoke(current_session(), current_actor(), delivery_id, reason=reason),
        _("The delivery is revoked; its address answers nobody any more."),
        url_for(".show", delivery_id=delivery_id),
        "deliveries/show.html",
        lambda: _page(delivery_id, "revoke"),
    )


def _acknowledge(delivery_id: uuid.UUID) -> None:
    accepted = request.form.get("accepted", "1") == "1"
    delivery = queries.detail(current_session(), current_actor(), delivery_id)
    receipt, signature = None, None
    if accepted and delivery.format == FileFormat.PACKAGE:
        receipt, signature = _receipt()
    acknowledge(
        current_session(),
        current_actor(),
        delivery_id,
        accepted=accepted,
        sha256=_digest_of_upload() or request.form.get("sha256", "").strip().lower(),
        remark=request.form.get("remark", ""),
        receipt=receipt,
        signature=signature,
    )


def _digest_of_upload() -> str:
    """SHA-256 of a file that was given back for comparison; "" when none was."""
    file = request.files.get("copy")
    return hashlib.file_digest(file.stream, "sha256").hexdigest() if file and file.filename else ""  # type: ignore[arg-type]  # a spooled file is one


def _receipt() -> tuple[dict[str, Any], bytes]:
    """The receipt and signature of the uploaded ``PACKAGE.receipt.json``.

    Raises:
        InvalidInput: no such file was given.
    """
    try:
        parsed = json.loads(fields.uploaded("receipt", LARGEST_RECEIPT_FILE))
        receipt, signature = parsed["receipt"], parsed["signature"]
        if not isinstance(receipt, dict) or not isinstance(signature, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput(
            "delivery.no_receipt_file",
            "Nothing was recorded: this is not the receipt that `shuniu offline open` wrote. Upload the file whose name"
            " ends in .receipt.json.",
            [{"pointer": "/receipt", "message": "Upload the file that ends in .receipt.json."}],
        ) from None
    return receipt, signature_from_text(signature)


def _form_page(grant_id: uuid.UUID) -> dict[str, Any]:
    session = current_session()
    actor = current_actor()
    grant = grants.detail(session, actor, grant_id)
    packaged = Mode.OFFLINE in grant.modes
    has_key = packaged and current_key(session, asked_by(actor), KeyPurpose.RECEIVE) is not None
    files = [FileFormat.CSV, FileFormat.PARQUET] if Mode.FILES in grant.modes else []
    return {
        "grant": grant,
        "formats": [str(each) for each in (*files, *([FileFormat.PACKAGE] if has_key else []))],
        "key_missing": packaged and not has_key,
        "agency_id": actor.agency_id,
        "provider_name": agency_names(session, {grant.provider_id})[grant.provider_id],
    }


def _problem(delivery: Delivery) -> str:
    """Why the delivery failed, in the reader's language, or why it was taken back, as it was written."""
    work = current_session().get(Work, delivery.work_id) if delivery.work_id else None
    return work_problem(work) if work and work.problem == delivery.problem else delivery.problem


def _page(delivery_id: uuid.UUID, step: str = "") -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    delivery = queries.detail(session, actor, delivery_id)
    receives = isinstance(permissions.acknowledge(actor, delivery.agency_id), permissions.Allowed)
    steps = _steps(delivery, receives)
    address, until = "", None
    if receives and delivery.state in FETCHABLE:
        settings = portal_settings()
        lifetime = timedelta(seconds=settings.address_seconds)
        path, until = signed_address(settings.secret_key, delivery, actor, lifetime)
        address = settings.portal_url.rstrip("/") + path
    grant = delivery.grant
    return {
        "delivery": delivery,
        "problem": _problem(delivery),
        "grant": grant,
        "receives": receives,
        "address": address,
        "until": until,
        "steps": steps,
        "step": step if step.upper() in steps else step_open(steps),
        "agencies": agency_names(session, {delivery.agency_id, grant.provider_id}),
        "fetchable": delivery.state in FETCHABLE,
        "takes_evidence": isinstance(may_take(session, actor, delivery), permissions.Allowed),
        "promise": promised_about(session, portal_settings(), *queries.subjects(session, delivery)),
        "hub_key": _hub_key() if receives and delivery.format == FileFormat.PACKAGE else "",
    }


def _hub_key() -> str:
    """The public key that the hub signs packages with, base64; "" where the site has none."""
    private = portal_settings().hub_key
    return public_text(Ed25519PrivateKey.from_private_bytes(base64.b64decode(private))) if private else ""


def _steps(delivery: Delivery, receives: bool) -> set[str]:
    found: set[str] = set()
    arrived = {DeliveryState.DELIVERED}
    if delivery.format == FileFormat.PACKAGE:
        arrived.add(DeliveryState.PREPARED)
    if receives and delivery.state in arrived:
        found.add("ACKNOWLEDGE")
    closed = (DeliveryState.ACKNOWLEDGED, DeliveryState.FAILED, DeliveryState.REVOKED)
    stops = isinstance(may_stop(current_actor(), delivery.grant), permissions.Allowed)
    if stops and delivery.state not in closed:
        found.add("REVOKE")
    return found


PAGES = Pages(
    blueprint,
    navigation=(
        NavigationEntry(N_("Deliveries"), "deliveries.index", order=28, shown_to=roles(Role.REQUESTER, Role.ANSWERER)),
    ),
)
