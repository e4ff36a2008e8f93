"""What an agency took in a month: catalogue entries, grants, modes, calls, rows, bytes and refusals (R48, R49)."""

from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE, city_date, system_now
from audit.models import Evidence
from audit.queries import log_state
from exchange.grants.taken import MOST_LINES, Taken, taken
from portal.access import SIGNED_IN, access, current_actor
from portal.edge import current_session
from portal.evidence_filters import READERS, agencies_typed
from portal.evidence_offered import offered_agencies
from portal.exports import Cell, wanted_export
from portal.labels import label
from portal.names import agency_name
from portal.pages.frame import Pages
from portal.recorded_searches import record_search
from portal.signed_exports import Shown, signed_export

blueprint = Blueprint("evidence_month", __name__, url_prefix="/evidence/taken")

MOST_REFUSALS = 10_000
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
    lines = taken(session, agency.id, since, until) if agency else []
    refusals = _refusals(session, agency.credit_code, since, until) if agency else {}
    stated = {"agency": agency.credit_code, "month": f"{first:%Y-%m}"} if agency else {}
    if wanted_export() and agency:
        title = f"{agency_name(agency)} {first:%Y-%m}"
        shown = Shown("month", title, _heads(), stated, more=len(lines) == MOST_LINES)
        return signed_export(session, actor, shown, [_cells(line, refusals) for line in lines])
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
        refusals=refusals,
        refused=sum(refusals.values()),
        refused_cut=sum(refusals.values()) == MOST_REFUSALS,
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


def _refusals(session: Session, code: str, since: datetime, until: datetime) -> dict[str, int]:
    """How many releases were refused to an agency by grant (``grant/…``); counting stops at 10,000."""
    refused = select(Evidence.subject).where(
        Evidence.kind == "release.refused",
        Evidence.outcome == "REFUSED",
        Evidence.agency_code == code,
        Evidence.recorded_at.between(since, until),
    )
    some = refused.limit(MOST_REFUSALS).subquery()
    counted = select(some.c.subject, func.count()).group_by(some.c.subject)
    return {subject: count for subject, count in session.execute(counted)}


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


def _cells(line: Taken, refusals: dict[str, int]) -> list[Cell]:
    refused = refusals.get(f"grant/{line.grant_id}", 0)
    mode = label(line.mode, "Mode")
    return [line.resource_name, line.resource_code, line.grant_number, mode, line.calls, line.rows, line.size, refused]


PAGES = Pages(blueprint)
