"""What an agency took in a month: catalogue entries, grants, modes, calls, rows, bytes and refusals (R48, R49)."""

from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.clock import CITY_ZONE, city_date, system_now
from audit.queries import log_state
from exchange.grants.taken import MOST_LINES, MOST_REFUSALS, Taken, taken
from portal.access import SIGNED_IN, access, current_actor
from portal.agency_field import agencies_typed, offered_agencies
from portal.edge import current_session
from portal.evidence_filters import READERS
from portal.exports import Cell, wanted_export
from portal.labels import label
from portal.names import agency_name
from portal.pages.frame import Pages
from portal.recorded_searches import record_search
from portal.signed_exports import Shown, signed_export

blueprint = Blueprint("evidence_month", __name__, url_prefix="/evidence/taken")

ONE_DAY = timedelta(days=1)
EARLIEST = date(2000, 1, 1)


@blueprint.get("")
@access(SIGNED_IN, commits=True)
def index() -> ResponseReturnValue:
    """One agency's month; an auditor chooses the agency, others see their own."""
    session, actor = current_session(), current_actor()
    everything = actor.has(*READERS)
    text = request.args.get("agency", "").strip()[:200] if everything else actor.agency_code
    found = agencies_typed(session, text)
    agency = found[0] if len(found) == 1 else None
    first = _first_day(request.args.get("month", ""))
    last = _next(first) - ONE_DAY
    since, until = _begins(first), _begins(_next(first)) - timedelta(microseconds=1)
    lines = taken(session, agency, since, until) if agency else []
    refused = sum(line.refused for line in lines)
    cut = len(lines) >= MOST_LINES or refused == MOST_REFUSALS
    stated = {"agency": agency.credit_code, "month": f"{first:%Y-%m}"} if agency else {}
    if wanted_export() and agency:
        title = f"{agency_name(agency)} {first:%Y-%m}"
        shown = Shown("month", title, _heads(), stated, more=cut)
        return signed_export(session, actor, shown, [_cells(line) for line in lines])
    record_search(session, actor, "month", stated, {"agency": text} if text and not agency else None)
    return render_template(
        "evidence/month.html",
        log=log_state(session),
        everything=everything,
        offered=offered_agencies(session) if everything else [],
        agency=agency,
        agencies=found,
        text=text,
        lines=lines,
        refused=refused,
        refused_cut=refused == MOST_REFUSALS,
        month=f"{first:%Y-%m}",
        before=f"{first - ONE_DAY:%Y-%m}",
        after=f"{_next(first):%Y-%m}" if _next(first) <= city_date(system_now()) else "",
        since=first,
        until=last,
    )


def _first_day(text: str) -> date:
    """The first day of a month that is written 2026-11; of the present one when it is none, or of no hub's time."""
    today = city_date(system_now())
    try:
        first = date.fromisoformat(f"{text.strip()}-01")
    except ValueError:
        first = today
    return (first if EARLIEST <= first <= today else today).replace(day=1)


def _next(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), CITY_ZONE).astimezone(UTC)


def _heads() -> list[str]:
    return [
        _("Catalogue entry"),
        _("Code"),
        _("Grant"),
        _("Mode"),
        _("Calls"),
        _("Rows"),
        _("Bytes"),
        _("Refused under the grant"),
    ]


def _cells(line: Taken) -> list[Cell]:
    name = line.resource_name if line.grant_number else _("Other grants, or none")
    mode = label(line.mode, "Mode")
    return [name, line.resource_code, line.grant_number, mode, line.calls, line.rows, line.size, line.refused]


PAGES = Pages(blueprint)
