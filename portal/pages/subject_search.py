"""Who was shown this person's record? A search by number, for auditors and the log's administrator, with a reason.

The number is sent in the body of a form and stands in no address, so that no history, bookmark or log of addresses
keeps it. Every look, each page of a result too, is an entry of evidence.
"""

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from adapters.paging import Page
from audit.queries import indices
from audit.subjects.blind import SubjectKind, kinds_by_form
from audit.subjects.shown import LONGEST_NUMBER, LONGEST_REASON, Shown, look
from directory.people.queries import person_names
from directory.people.roles import Role
from directory.permissions import require, search_subjects
from exchange.grants.queries import asked_under, stated_purposes
from portal import fields
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.forms import form_again
from portal.pages.case import names_by_code
from portal.pages.frame import Pages

blueprint = Blueprint("subject_search", __name__, url_prefix="/evidence/subject")
READERS = (Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)
TEMPLATE = "evidence/subject.html"


@blueprint.get("/")
@access(roles(*READERS))
def index() -> str:
    """The empty form."""
    return render_template(TEMPLATE, **_form())


@blueprint.post("/")
@access(roles(*READERS))
def find() -> ResponseReturnValue:
    """A page of entries that concern the subject, newest first."""
    session, actor = current_session(), current_actor()
    require(search_subjects(actor), "evidence.subject_searched", "route/subject_search.find")
    value, reason = request.form.get("value", ""), request.form.get("reason", "")
    try:
        kind = fields.word("kind", SubjectKind)
        page = look(session, actor, kind, value, reason, request.form.get("cursor"))
    except InvalidInput as error:
        return form_again(error, TEMPLATE, **_form())
    return render_template(
        TEMPLATE,
        **_form(),
        filled=request.form,
        searched={"kind": kind, "value": value.strip(), "reason": reason.strip()},
        odd=kind not in kinds_by_form(value),
        page=page,
        **_found(session, page),
    )


def _form() -> dict[str, Any]:
    return {"kinds": list(SubjectKind), "longest_number": LONGEST_NUMBER, "longest_reason": LONGEST_REASON}


def _found(session: Session, page: Page[Shown]) -> dict[str, Any]:
    """What the result's rows need: numbers in the log, names, grants and releases."""
    entries = [one.entry for one in page.items]
    return {
        "numbers": indices(session, entries),
        "people": person_names(session, {entry.person_id for entry in entries if entry.person_id}),
        "names": names_by_code(session, {entry.agency_code for entry in entries if entry.agency_code}),
        "purposes": stated_purposes(session, {entry.subject for entry in entries}),
        "grants": asked_under(session, {one.grant_id for one in page.items if one.grant_id}),
    }


PAGES = Pages(blueprint)
