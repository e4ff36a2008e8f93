"""The source of an entry's data: attaching a database or a file, loading it, and how the load goes."""

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, ShuniuError
from adapters.work import Work
from audit.actor import Actor
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.queries import resource, version, versions_of
from directory.people.roles import Role
from directory.permissions import Denied, require
from directory.permissions import attach_source as may_attach
from directory.sources.attach import attach_source, detach_source
from directory.sources.configuration import ENCODINGS
from directory.sources.queries import current_source
from directory.systems.queries import systems
from pipelines.ingest.queries import loads
from pipelines.ingest.request import request_load
from pipelines.uploads import keep_csv
from portal.access import access, current_actor, roles
from portal.edge import current_session, portal_settings
from portal.forms import form_again
from portal.inputs import whole_number
from portal.pages.frame import Pages
from portal.pages.panels import Button, Panel, add_panel
from portal.wake import wake_after_commit

blueprint = Blueprint("sources", __name__, url_prefix="/sources")
COMPILER = roles(Role.COMPILER)
LARGEST_PORT = 65_535
POSTGRESQL_PORT = 5432


@blueprint.get("/<uuid:resource_id>")
@access(COMPILER)
def show(resource_id: uuid.UUID) -> str:
    """The attached source, the forms to attach another, and the loads."""
    return render_template("sources/show.html", **_page(resource_id))


@blueprint.get("/<uuid:resource_id>/loads")
@access(COMPILER)
def progress(resource_id: uuid.UUID) -> str:
    """The loads alone; asked for again while one is under way."""
    return render_template("sources/loads.html", **_page(resource_id))


@blueprint.post("/<uuid:resource_id>/database")
@access(COMPILER)
def attach_database(resource_id: uuid.UUID) -> ResponseReturnValue:
    """Attach a PostgreSQL table; user and password are sealed and never shown again."""
    form = request.form
    config: dict[str, Any] = {name: form.get(name, "").strip() for name in ("host", "database", "schema", "table")}
    config["port"] = whole_number(form.get("port", ""), POSTGRESQL_PORT, 0, LARGEST_PORT)
    if form.get("partition_column", "").strip():
        config["partition_column"] = form["partition_column"].strip()
    config["columns"] = _columns()
    secrets = {"user": form.get("user", ""), "password": form.get("password", "")}
    return _attach(resource_id, "POSTGRESQL", config, secrets)


@blueprint.post("/<uuid:resource_id>/file")
@access(COMPILER, upload=True)
def attach_file(resource_id: uuid.UUID) -> ResponseReturnValue:
    """Upload a CSV file and attach it."""
    actor, sent = current_actor(), request.files.get("file")
    owner = resource(current_session(), resource_id).agency_id
    require(may_attach(actor, owner), "source.attached", f"resource/{resource_id}")
    encoding = request.form.get("encoding", "")
    try:
        if sent is None or not sent.filename or encoding not in ENCODINGS:
            sentence = "Choose a file and its encoding."
            raise InvalidInput("upload.missing", sentence, [{"pointer": "/file", "message": sentence}])
        kept = keep_csv(portal_settings(), owner, sent.stream, encoding)
    except ShuniuError as error:
        return form_again(error, "sources/show.html", **_page(resource_id))
    config = {
        "object_key": kept.object_key,
        "encoding": encoding,
        "columns": _columns(),
        "sha256": kept.sha256,
        "bytes": kept.bytes,
    }
    return _attach(resource_id, "CSV", config, {})


@blueprint.post("/<uuid:resource_id>/detach")
@access(COMPILER)
def detach(resource_id: uuid.UUID) -> ResponseReturnValue:
    """Detach the source; what was loaded stays."""
    detach_source(current_session(), current_actor(), resource_id)
    flash(_("The source is detached. What was loaded stays."), "success")
    return redirect(url_for("sources.show", resource_id=resource_id), 303)


@blueprint.post("/<uuid:resource_id>/load")
@access(COMPILER)
def load(resource_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for a load; Airflow does it."""
    work = request_load(current_session(), current_actor(), resource_id)
    wake_after_commit(work.id)
    flash(_("The load is asked for. This page follows it; you can leave and come back."), "success")
    return redirect(url_for("sources.show", resource_id=resource_id), 303)


def _attach(resource_id: uuid.UUID, kind: str, config: dict[str, Any], secrets: dict[str, str]) -> ResponseReturnValue:
    try:
        attach_source(
            current_session(), current_actor(), resource_id, kind, config, secrets, settings=portal_settings()
        )
    except ShuniuError as error:
        return form_again(error, "sources/show.html", **_page(resource_id))
    flash(_("The source is attached. Load it now, or later."), "success")
    return redirect(url_for("sources.show", resource_id=resource_id), 303)


def _columns() -> dict[str, str]:
    """Field name to column of the source, from fields called ``column-FIELD``; empty ones are left out."""
    prefix = "column-"
    pairs = ((name.removeprefix(prefix), value.strip()) for name, value in request.form.items() if prefix in name)
    return {name: column for name, column in pairs if column}


def _page(resource_id: uuid.UUID) -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    seen = versions_of(session, actor, resource_id)
    newest = next((one for one in seen if one.state == VersionState.PUBLISHED), seen[0])
    found = version(session, actor, newest.id)
    require(may_attach(actor, found.resource.agency_id))
    done = loads(session, resource_id).items
    works = {one.work_id: session.get(Work, one.work_id) for one in done if one.work_id is not None}
    addresses = [
        f"{address.host}:{address.port}"
        for system in systems(session, found.resource.agency_id).items
        for address in system.addresses
        if address.removed_at is None
    ]
    return {
        "version": found,
        "source": current_source(session, resource_id),
        "loads": done,
        "works": works,
        "under_way": any(one.state == "LOADING" for one in done),
        "addresses": addresses,
        "encodings": [(name, name.upper()) for name in ENCODINGS],
    }


def _panel(actor: Actor, _session: Session, found: ResourceVersion) -> Panel:
    if found.state != VersionState.PUBLISHED or isinstance(may_attach(actor, found.resource.agency_id), Denied):
        return Panel()
    return Panel(buttons=[Button(_("Source and loads"), url_for("sources.show", resource_id=found.resource_id))])


add_panel(_panel)
PAGES = Pages(blueprint)
