"""Holiday calendars as dated data, and the case clock where a site lets it be turned."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.clock import case_now
from adapters.errors import ShuniuError
from directory.calendars.add import add_calendar
from directory.calendars.queries import calendars
from directory.case_clock.turn import turn
from directory.people.roles import Role
from directory.permissions import Denied
from directory.permissions import add_calendar as may_add
from directory.permissions import turn_case_clock as may_turn
from portal.access import SIGNED_IN, access, current_actor, roles
from portal.edge import current_session, portal_settings
from portal.forms import form_again
from portal.languages import N_
from portal.pages.frame import NavigationEntry, Pages

blueprint = Blueprint("calendars", __name__, url_prefix="/calendars")
SECONDS_A_DAY = 86_400
MOST_DAYS = 3_660


@blueprint.get("/")
@access(SIGNED_IN)
def index() -> str:
    """The calendars in force, the newest year first."""
    return render_template("calendars/index.html", **_page())


@blueprint.post("/")
@access(roles(Role.REGULATOR))
def add() -> ResponseReturnValue:
    """Add the calendar of a year, by the notice that sets it; deadlines that it moves are computed anew."""
    try:
        add_calendar(current_session(), current_actor(), _body())
    except ShuniuError as error:
        return form_again(error, "calendars/index.html", **_page())
    flash(_("The calendar is added; open deadlines were computed anew."), "success")
    return redirect(url_for("calendars.index"), 303)


@blueprint.post("/clock")
@access(roles(Role.SYSTEM_ADMINISTRATOR))
def clock() -> ResponseReturnValue:
    """Turn the case clock by whole days, where the site allows it."""
    text = request.form.get("days", "").strip()
    days = int(text) if text.lstrip("-").isdigit() and len(text) < 6 else 0
    seconds = max(-MOST_DAYS, min(MOST_DAYS, days)) * SECONDS_A_DAY
    try:
        turn(current_session(), current_actor(), seconds, settings=portal_settings())
    except ShuniuError as error:
        return form_again(error, "calendars/index.html", **_page())
    flash(_("The case clock is turned."), "success")
    return redirect(url_for("calendars.index"), 303)


def _page() -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    in_force = sorted(calendars(session), key=lambda one: (-one.year, one.version))
    return {
        "calendars": in_force,
        "spans": _spans,
        "may_add": not isinstance(may_add(actor), Denied),
        "may_turn": not isinstance(may_turn(actor, portal_settings().case_clock_turnable), Denied),
        "case_now": case_now(session),
    }


def _spans(days: Collection[date]) -> list[tuple[date, date]]:
    """Days that follow each other as their first and last one."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _body() -> dict[str, Any]:
    form = request.form
    year = form.get("year", "").strip()
    return {
        "year": int(year) if year.isdigit() and len(year) < 6 else year,
        "document": form.get("document", ""),
        "title": form.get("title", ""),
        "verified": form.get("verified") == "1",
        "holidays": [_span(text) for text in form.get("holidays", "").split()],
        "makeup_days": form.get("makeup_days", "").split(),
    }


def _span(text: str) -> dict[str, str]:
    first, _separator, last = text.partition("/")
    return {"from": first, "to": last or first}


PAGES = Pages(blueprint, navigation=(NavigationEntry(N_("Calendars"), "calendars.index", order=80),))
