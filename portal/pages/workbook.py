"""Cataloguing offline: the template to download, and the import of a filled one with a report by row (R20)."""

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import InvalidInput, ShuniuError
from directory.catalogue.import_workbook import import_workbook
from directory.catalogue.models import ResourceVersion
from directory.catalogue.queries import version
from directory.catalogue.read_workbook import MOST_BYTES, MOST_ENTRIES
from directory.catalogue.workbook_template import workbook_template
from directory.people.roles import Role
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.fields import uploaded
from portal.forms import form_again
from portal.i18n import translate
from portal.inputs import identifier
from portal.pages.frame import Pages

blueprint = Blueprint("workbook", __name__, url_prefix="/compile/workbook")
COMPILER = roles(Role.COMPILER)
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEMPLATE_NAME = "政务数据资源目录模板.xlsx"


@blueprint.get("/")
@access(COMPILER)
def show() -> str:
    """The form to import a workbook; after an import, its drafts."""
    return render_template("compile/workbook.html", report=[], drafted=_drafted())


@blueprint.get("/template")
@access(COMPILER)
def template() -> Response:
    """The template."""
    answer = Response(workbook_template(), content_type=SHEET)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(TEMPLATE_NAME)}"
    return answer


@blueprint.post("/")
@access(COMPILER, upload=True)
def take() -> ResponseReturnValue:
    """Draft every entry of a workbook, or say of each wrong cell what is wrong."""
    try:
        data = uploaded("file", MOST_BYTES)
        if not data:
            sentence = "Choose the workbook that you filled in."
            raise InvalidInput("workbook.missing", sentence, [{"pointer": "/file", "message": sentence}])
        made = import_workbook(current_session(), current_actor(), data)
    except ShuniuError as error:
        report = _report(error)
        if report and isinstance(error, InvalidInput):
            error.problems = []  # the report names the cells; the form has no field for them
        return form_again(error, "compile/workbook.html", report=report, drafted=[])
    flash(_("Entries drafted from the workbook: %(count)s.", count=len(made)), "success")
    return redirect(url_for("workbook.show", drafted=[str(each.id) for each in made]), 303)


def _report(error: ShuniuError) -> list[dict[str, Any]]:
    problems = error.problems if isinstance(error, InvalidInput) else []
    return [{**each, "message": translate(each["message"])} for each in problems if "sheet" in each]


def _drafted() -> list[ResourceVersion]:
    ids = [identifier(text) for text in request.args.getlist("drafted")[:MOST_ENTRIES]]
    return [version(current_session(), current_actor(), each) for each in ids]


PAGES = Pages(blueprint)
