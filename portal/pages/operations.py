"""The hub's own state for its system administrator: services, work that failed or waits, the log, the disk."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.services.home import reported_services, running_process
from adapters.work import Work, given_up, overdue
from audit.actor import Actor
from audit.queries import LogState, log_state
from audit.store.keep import NOT_LOCKED
from audit.store.queries import StoreState, store_state
from directory.people.roles import Role
from portal.access import access, roles
from portal.edge import current_session, portal_settings
from portal.filters import number, size, work_problem
from portal.labels import label
from portal.languages import N_
from portal.pages.frame import DeskItem, DeskSection, NavigationEntry, Pages

blueprint = Blueprint("operations", __name__, url_prefix="/operations")
ADMINISTRATOR = roles(Role.SYSTEM_ADMINISTRATOR)
RECENT = timedelta(days=30)
LATE = timedelta(minutes=5)
"""Work that is due for so long is taken by nobody."""
SHOWN = 10
MOST = 100
LITTLE_SPACE = 0.1
"""Share of the disk; with less than this free somebody should look."""
WELL = ("healthy", "done")


@dataclass(frozen=True)
class Disk:
    """Bytes of the disk under the hub's home."""

    total: int
    free: int

    @property
    def little(self) -> bool:
        """Whether somebody should make room."""
        return self.free < self.total * LITTLE_SPACE


@blueprint.get("/")
@access(ADMINISTRATOR)
def show() -> str:
    """Services, work, the log and the disk on one page."""
    return render_template("operations/show.html", **_state(current_session(), MOST))


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What a system administrator finds on the desk."""
    if not actor.has(Role.SYSTEM_ADMINISTRATOR):
        return []
    state, here = _state(session, SHOWN), url_for("operations.show")
    services = state["services"]
    ailing = [each for each in services if each["health"] not in WELL]
    return [
        DeskSection(
            title=N_("Services that do not work"),
            items=[
                DeskItem(
                    f"{here}#services", each["name"], each["note"] or each["address"], each["health"].upper(), "Service"
                )
                for each in ailing[:SHOWN]
            ],
            total=len(ailing),
            more=here,
            empty=N_("Every service works.")
            if services
            else N_("This hub's services were not started by `shuniu up`."),
            order=5,
        ),
        _heap(N_("Work that failed in the last 30 days"), state["failed"], here, 7, N_("No load or delivery failed.")),
        _heap(N_("Work that nobody takes"), state["late"], here, 8),
        _log(state["log"], state["store"], state["disk"], here),
    ]


def _state(session: Session, most: int) -> dict[str, Any]:
    home, now = portal_settings().home, system_now()
    usage = shutil.disk_usage(home)
    return {
        "services": reported_services(home) if running_process(home) else [],
        "failed": given_up(session, now - RECENT, most),
        "late": overdue(session, now - LATE, most),
        "log": log_state(session),
        "store": store_state(session),
        "disk": Disk(usage.total, usage.free),
        "not_locked": NOT_LOCKED,
    }


def _heap(title: str, rows: Sequence[Work], here: str, order: int, empty: str = "") -> DeskSection:
    return DeskSection(
        title=title,
        items=[_work(each, here) for each in rows],
        total=len(rows),
        at_least=len(rows) == SHOWN,
        more=here,
        empty=empty,
        order=order,
    )


def _work(work: Work, here: str) -> DeskItem:
    return DeskItem(
        href=f"{here}#work-{work.id}",
        title=label(work.kind, "WorkKind"),
        detail=work_problem(work)[:200],
        state=work.state,
        kind="WorkState",
        since=work.finished_at or work.due_at,
    )


def _log(log: LogState, store: StoreState, disk: Disk, here: str) -> DeskSection:
    waiting = _("Waiting to be numbered: %(count)s.", count=number(log.waiting))
    if log.standing.late:
        waiting = _("Evidence is not being signed: open the page of evidence and see what to do.")
    behind = _("The object store has %(published)s of the log's %(size)s entries.",
               published=number(store.published), size=number(store.size))  # fmt: skip
    room = _("%(free)s of %(total)s are free.", free=size(disk.free), total=size(disk.total))
    wrong = bool(store.problem) or store.unkept
    items = [
        DeskItem(url_for("evidence.index"), _("The evidence log"), waiting, _bad(log.standing.late), "WorkState"),
        DeskItem(f"{here}#log", _("The log in the object store"), _("A problem lasts: see the page.") if wrong
                 else behind, _bad(wrong), "WorkState"),
        DeskItem(f"{here}#disk", _("The disk"), room, _bad(disk.little), "WorkState"),
    ]  # fmt: skip
    return DeskSection(title=N_("Log, store and disk"), items=items, total=len(items), more=here, order=20)


def _bad(wrong: bool) -> str:
    return "FAILED" if wrong else ""


PAGES = Pages(
    blueprint,
    navigation=(NavigationEntry(N_("Operations"), "operations.show", order=75, shown_to=ADMINISTRATOR),),
    desk_sections=desk_sections,
)
