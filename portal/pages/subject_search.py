"""Who was shown this person's record? A search by number, for auditors and the log's administrator, with a reason.

The number is sent in the body of a form and stands in no address, so that no history, bookmark or log of addresses
keeps it. Every look, each page of a result and each file of one too, is an entry of evidence.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.database import transaction
from adapters.errors import InvalidInput
from adapters.paging import LARGEST_PAGE, Page
from audit.actor import Actor
from audit.append import configured
from audit.queries import indices, log_state
from audit.subjects.blind import SubjectKind, kinds_by_form
from audit.subjects.shown import LONGEST_NUMBER, LONGEST_REASON, Shown, checked, failed_look, look, shown
from directory.people.queries import person_names
from directory.people.roles import Role
from directory.permissions import require, search_subjects
from exchange.grants.queries import asked_under, stated_purposes
from portal import fields, signed_exports
from portal.access import access, current_actor, roles
from portal.edge import current_session, portal_settings
from portal.evidence_filters import day_begins
from portal.exports import Cell, every, wanted_export
from portal.filters import moment
from portal.forms import form_again
from portal.labels import label
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
    """A page of entries that concern the subject, newest first; with ``export=`` all of them as a signed file."""
    session, actor = current_session(), current_actor()
    require(search_subjects(actor), "evidence.subject_searched", "route/subject_search.find")
    value, reason = request.form.get("value", ""), request.form.get("reason", "")
    try:
        kind = fields.word("kind", SubjectKind)
        if wanted_export():
            return _exported(session, actor, kind, *checked(value, reason))
        page = look(session, actor, kind, value, reason, request.form.get("cursor"), **_bounds())
        return render_template(
            TEMPLATE,
            **_form(),
            filled=request.form,
            searched={"kind": kind, "value": value.strip(), "reason": reason.strip(), **_days()},
            odd=kind not in kinds_by_form(value),
            page=page,
            **_found(session, page),
        )
    except InvalidInput as error:
        return form_again(error, TEMPLATE, **_form())
    except Exception:
        with transaction(portal_settings().app_database_url) as own:  # what this request did is undone
            failed_look(own, actor, kind, value, reason, request.form.get("cursor"))
        raise


def _exported(session: Session, actor: Actor, kind: SubjectKind, value: str, reason: str) -> Response:
    """All entries that concern the subject; its entry has number and reason in the encrypted part."""
    heads = [
        _("Number in the log"),
        _("When"),
        _("What happened"),
        _("Outcome"),
        _("Agency"),
        _("Person"),
        _("Under which grant"),
        _("How"),
        _("Why"),
        _("Receiver's case"),
        _("Identifier of the entry"),
        _("Leaf hash"),
    ]
    wanted = signed_exports.Shown(
        "data_subject",
        _("Who was shown this record?"),
        heads,
        {"kind": kind, **_days()},
        {"value": value, "reason": reason},
        subjects=[configured().blind.token(kind, value)],
    )
    bounds = _bounds()
    rows = every(lambda cursor: _cells(session, shown(session, kind, value, cursor, LARGEST_PAGE, **bounds)))
    return signed_exports.signed_export(session, actor, wanted, rows)


def _cells(session: Session, page: Page[Shown]) -> Page[Sequence[Cell]]:
    """A page of entries, as rows of the file."""
    known = _found(session, page)
    rows: list[Sequence[Cell]] = []
    for one in page.items:
        entry, grant = one.entry, known["grants"].get(one.grant_id)
        how = label(one.mode, "Mode") if one.mode else ""
        rows.append(
            [
                known["numbers"].get(entry.id),
                moment(entry.recorded_at),
                label(entry.kind, "EvidenceKind"),
                label(entry.outcome, "EvidenceOutcome"),
                known["names"].get(entry.agency_code, entry.agency_code),
                known["people"].get(entry.person_id, "") if entry.person_id else one.program,
                grant.number if grant else "",
                " ".join([how, *_remarks(one)]).strip(),
                known["purposes"].get(entry.subject) or (grant.purpose if grant else ""),
                one.receiver_matter,
                str(entry.id),
                entry.leaf_hash.hex(),
            ]
        )
    return Page(tuple(rows), page.next_cursor)


def _remarks(one: Shown) -> list[str]:
    """What is said of an entry beside the way of sharing."""
    whole = [_("(among all rows of a delivery)")] if one.whole else []
    return whole if one.readable else [*whole, _("(its text has expired or cannot be read)")]


def _bounds() -> dict[str, datetime | None]:
    """From which moment on, and before which, as the form's days say."""
    form = request.form
    return {"since": day_begins(form.get("since", "")), "until": day_begins(form.get("until", ""), days=1)}


def _days() -> dict[str, str]:
    """The form's days that bound the search."""
    return {name: request.form[name].strip() for name, moment in _bounds().items() if moment}


def _form() -> dict[str, Any]:
    return {
        "log": log_state(current_session()),
        "kinds": list(SubjectKind),
        "longest_number": LONGEST_NUMBER,
        "longest_reason": LONGEST_REASON,
    }


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
