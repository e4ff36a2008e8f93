"""The first page after sign-in: what waits for me, gathered from every part of the portal."""

from flask import Blueprint, current_app, render_template

from audit.queries import log_state
from directory.permissions import Allowed
from oversight.anomalies.permissions import read_anomalies
from oversight.anomalies.queries import looked_through
from portal.access import SIGNED_IN, access, current_actor
from portal.edge import current_session
from portal.evidence_filters import READERS
from portal.languages import N_
from portal.pages.frame import DeskSection, DeskSections, NavigationEntry, Pages

blueprint = Blueprint("desk", __name__)


@blueprint.get("/")
@access(SIGNED_IN)
def show() -> str:
    """My desk: sections with a deadline first, then the rest; empty ones say what to do first."""
    sources: list[DeskSections] = current_app.extensions["shuniu.desk"]
    actor, session = current_actor(), current_session()
    found = [section for source in sources for section in source(actor, session)]
    sections = sorted((s for s in found if s.items or s.empty), key=_place)
    log = log_state(session) if actor.has(*READERS) else None
    looked = looked_through(session) if isinstance(read_anomalies(actor), Allowed) else None
    return render_template("desk/show.html", sections=sections, log=log, looked=looked)


def _place(section: DeskSection) -> tuple[bool, int]:
    return (not section.items, section.order)


PAGES = Pages(blueprint, navigation=(NavigationEntry(N_("My desk"), "desk.show", order=0),))
