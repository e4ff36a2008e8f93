"""Evidence: search, one entry with its proof, the timeline of a case, the state of the log."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.errors import NotFound
from adapters.paging import LARGEST_PAGE, Page
from audit.actor import Actor
from audit.destruction.queries import destroyed_by
from audit.log_keys import log_keys
from audit.models import Evidence
from audit.proof import prove
from audit.queries import Found, indices, log_state, personal
from audit.search import Search, search
from audit.texts import program, texts
from directory.people.queries import person_names
from directory.permissions import Allowed, ask_destruction, open_details, read_evidence, require
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.edge import current_session, portal_settings
from portal.evidence_filters import READERS, Asked, asked, kind_groups
from portal.evidence_offered import offered
from portal.exports import Cell, every, wanted_export
from portal.filters import moment
from portal.i18n import sentence_of
from portal.labels import label
from portal.languages import N_
from portal.own_evidence import as_far_as_kept, codes_of_case, own_entry
from portal.pages.auditor_desk import desk_sections
from portal.pages.case import names_by_code
from portal.pages.frame import NavigationEntry, Pages
from portal.pages.subjects import as_called, in_words
from portal.recorded_searches import record_entry_viewed, record_search
from portal.refusal_reasons import refusal_code
from portal.signed_exports import Shown, signed_export

blueprint = Blueprint("evidence", __name__, url_prefix="/evidence")


@blueprint.get("/")
@access(SIGNED_IN, commits=True)
def index() -> ResponseReturnValue:
    """Entries: all of them for auditors, an agency's own and its cases' for others."""
    session, actor = current_session(), current_actor()
    wanted = asked(session, actor)
    if wanted_export():
        return _exported(session, actor, wanted)
    record_search(session, actor, "search", wanted.stated, wanted.unknown)
    page = search(session, wanted.search, request.args.get("cursor"))
    everything = actor.has(*READERS)
    return render_template(
        "evidence/index.html",
        page=page,
        numbers=indices(session, page.items),
        people=person_names(session, {each.person_id for each in page.items if each.person_id}),
        names=names_by_code(session, {each.agency_code for each in page.items if each.agency_code}),
        programs=_programs(session, page.items),
        log=log_state(session),
        everything=everything,
        kinds=kind_groups(),
        offered=offered(session) if everything else None,
        words=in_words(session, _subjects(page.items)),
        open_cases=_open_cases(session, actor, page.items),
        asked=wanted,
        case_of=_application(session, wanted.search.matter),
        called={name: as_called(session, request.args.get(name, "")[:200]) for name in ("matter", "subject")},
    )


@blueprint.get("/<uuid:entry_id>")
@access(SIGNED_IN, commits=True)
def show(entry_id: uuid.UUID) -> str:
    """One entry in full."""
    _looked_at(entry_id, said=False)
    return render_template("evidence/show.html", **_page(entry_id))


@blueprint.get("/<uuid:entry_id>/entry.json")
@access(SIGNED_IN, commits=True)
def body(entry_id: uuid.UUID) -> Response:
    """The entry's canonical bytes, as they were hashed into the log."""
    found = _looked_at(entry_id)
    return _download(found.row.body, f"{_name(found)}.json", "application/json")


@blueprint.get("/<uuid:entry_id>/proof")
@access(SIGNED_IN, commits=True)
def proof(entry_id: uuid.UUID) -> Response:
    """A proof that the entry is in the log (c2sp.org/tlog-proof), which anybody can check without the hub.

    Raises:
        NotFound: the entry waits to be numbered.
    """
    found = _looked_at(entry_id, said=False)
    if found.index is None:
        raise NotFound(
            "evidence.waits",
            "This entry waits to be numbered, which takes about a second. Then its proof can be downloaded.",
        )
    text = str(prove(current_session(), found.index))
    return _download(text.encode(), f"{found.index}.tlog-proof", "text/plain; charset=utf-8")


@blueprint.post("/<uuid:entry_id>/personal")
@access(roles(*READERS))
def open_personal(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Open the personal details beside an entry; that somebody looked is an entry itself."""
    require(open_details(current_actor()), "evidence.personal_viewed", f"evidence/{entry_id}")
    reason = request.form.get("reason", "").strip()[:1_000]
    page = _page(entry_id)
    if not reason:
        return render_template("evidence/show.html", **page, unasked=True), 422
    details = personal(current_session(), current_actor(), entry_id, reason)
    return render_template("evidence/show.html", **page, details=_pretty(details))


def _looked_at(entry_id: uuid.UUID, *, said: bool = True) -> Found:
    """An entry that the reader may read; that an auditor looked at another agency's is an entry itself.

    Args:
        said: its text is wanted; without it one whose text has expired is found too.
    """
    found = own_entry(current_session(), current_actor(), entry_id, said=said)
    record_entry_viewed(current_session(), current_actor(), found.row)
    return found


def _subjects(entries: Iterable[Evidence]) -> Iterator[str]:
    for each in entries:
        yield from (each.subject, each.matter)


def _open_cases(session: Session, actor: Actor, entries: Iterable[Evidence]) -> set[str]:
    """Matters all of whose entries the actor may read: an office has entries of its own in cases of others."""
    matters = {each.matter for each in entries if each.matter}
    if isinstance(read_evidence(actor, ()), Allowed):  # all evidence, so that no case has to be loaded
        return matters
    return {one for one in matters if isinstance(read_evidence(actor, codes_of_case(session, one)), Allowed)}


def _programs(session: Session, entries: Iterable[Evidence]) -> dict[uuid.UUID, str]:
    """The programs that did what no person did, by entry; from the texts of a page's rows."""
    said = texts(session, [each for each in entries if each.person_id is None])
    return {entry_id: program(data) for entry_id, data in said.items()}


def _application(session: Session, matter: str) -> str:
    """The application whose case a matter is; "" when it is none."""
    return matter.partition("/")[2] if codes_of_case(session, matter) else ""


def _page(entry_id: uuid.UUID) -> dict[str, Any]:
    session = current_session()
    found, missing = as_far_as_kept(session, current_actor(), entry_id)
    gone = sentence_of(missing) if missing else ""
    settings = portal_settings()
    row, data = found.row, found.envelope.get("data", {})
    return {
        "found": found,
        "row": row,
        "gone": gone,
        "data": data,
        "refusal": refusal_code(data.get("after")) if row.outcome == "REFUSED" else "",
        "before": _pretty(data.get("before")),
        "after": _pretty(data.get("after")),
        "whole": _pretty(found.envelope),
        "name": _name(found),
        "person": person_names(session, {row.person_id}).get(row.person_id, "") if row.person_id else "",
        "agency": names_by_code(session, {row.agency_code}).get(row.agency_code, row.agency_code),
        "words": in_words(session, (row.subject, row.matter)),
        "log": log_state(session),
        "log_key": str(log_keys(settings).log) if settings.log_verifier or settings.log_key else "",
        "open_case": row.matter in _open_cases(session, current_actor(), [row]),
        "may_ask": isinstance(ask_destruction(current_actor()), Allowed),
        "destroyed_by": None if found.has_personal else destroyed_by(session, row.id),
        "case_of": _application(session, row.matter),
        "may_open": found.has_personal and not gone and current_actor().has(*READERS),
    }


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""


def _name(found: Found) -> str:
    return str(found.row.id) if found.index is None else str(found.index)


def _download(data: bytes, name: str, kind: str) -> Response:
    answer = Response(data, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _exported(session: Session, actor: Actor, wanted: Asked) -> Response:
    heads = [
        _("Number in the log"),
        _("When"),
        _("What happened"),
        _("Outcome"),
        _("Agency"),
        _("Person"),
        _("Subject"),
        _("Case"),
        _("Identifier of the subject"),
        _("Identifier of the case"),
        _("Identifier of the entry"),
        _("Leaf hash"),
    ]
    shown = Shown("search", _("Evidence"), heads, wanted.stated, wanted.unknown, wanted.stated.get("matter", ""))
    return signed_export(session, actor, shown, every(lambda cursor: _cells(session, wanted.search, cursor)))


def _cells(session: Session, wanted: Search, cursor: str | None) -> Page[Sequence[Cell]]:
    """A page of entries, as rows of the file."""
    page = search(session, wanted, cursor, LARGEST_PAGE)
    numbers = indices(session, page.items)
    people = person_names(session, {each.person_id for each in page.items if each.person_id})
    names = names_by_code(session, {each.agency_code for each in page.items if each.agency_code})
    words, programs = in_words(session, _subjects(page.items)), _programs(session, page.items)
    rows: list[Sequence[Cell]] = [
        [
            numbers.get(each.id),
            moment(each.recorded_at),
            label(each.kind, "EvidenceKind"),
            label(each.outcome, "EvidenceOutcome"),
            names.get(each.agency_code, each.agency_code),
            people.get(each.person_id, "") if each.person_id else programs.get(each.id, ""),
            words[each.subject],
            words.get(each.matter, ""),
            each.subject,
            each.matter,
            str(each.id),
            each.leaf_hash.hex(),
        ]
        for each in page.items
    ]
    return Page(tuple(rows), page.next_cursor)


PAGES = Pages(
    blueprint,
    navigation=(NavigationEntry(N_("Evidence"), "evidence.index", order=60),),
    desk_sections=desk_sections,
)
