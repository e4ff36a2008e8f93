"""The auditor's desk: the latest evidence, what was refused; how the log stands is above it."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE, city_date, system_now
from adapters.errors import Transient
from audit.actor import Actor
from audit.models import Evidence
from audit.queries import log_state, newest
from audit.search import Search, search
from directory.people.roles import Role
from portal.filters import day
from portal.labels import label
from portal.languages import N_
from portal.pages.case import names_by_code
from portal.pages.frame import DeskItem, DeskSection
from portal.pages.subjects import in_words
from portal.recorded_searches import LOOKS

SHOWN = 10
RECENT = timedelta(days=30)
MOST_COUNTED = 1_000


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What auditors and the log's administrator find on the desk."""
    if not actor.has(Role.AUDITOR, Role.AUDIT_ADMINISTRATOR):
        return []
    log = log_state(session)
    latest = newest(session, SHOWN, but=LOOKS)
    since = datetime.combine(city_date(system_now()) - RECENT, time(), CITY_ZONE)
    refused, problem = _refused(session, since)
    count = refusals_since(session, since)
    names = names_by_code(session, {each.agency_code for each in (*latest, *refused) if each.agency_code})
    words = in_words(session, [each.subject for each in (*latest, *refused)])
    return [
        DeskSection(
            title=N_("Latest evidence"),
            items=[_item(each, names, words) for each in latest],
            total=log.size + log.waiting,
            more=url_for("evidence.index"),
            order=20,
        ),
        DeskSection(
            title=N_("Refusals of the last 30 days"),
            items=[_item(each, names, words) for each in refused],
            total=count,
            at_least=count == MOST_COUNTED,
            more=url_for("evidence.index", outcome="REFUSED", since=day(since)),
            empty=problem,
            order=15,
        ),
    ]


def _refused(session: Session, since: datetime) -> tuple[Sequence[Evidence], str]:
    """The newest refusals since a moment, or why they cannot be searched for now."""
    try:
        return search(session, Search(outcome="REFUSED", since=since), limit=SHOWN).items, ""
    except Transient as error:
        return (), error.sentence


def refusals_since(session: Session, since: datetime) -> int:
    """How many refusals there are since a moment; counting stops at 1,000."""
    recent = select(Evidence.id).where(Evidence.outcome == "REFUSED", Evidence.recorded_at >= since)
    return session.scalar(select(func.count()).select_from(recent.limit(MOST_COUNTED).subquery())) or 0


def _item(entry: Evidence, names: dict[str, str], words: dict[str, str]) -> DeskItem:
    who = names.get(entry.agency_code, entry.agency_code) or _("The hub")
    return DeskItem(
        href=url_for("evidence.show", entry_id=entry.id),
        title=label(entry.kind, "EvidenceKind"),
        detail=" · ".join(part for part in (who, words.get(entry.subject, "")) if part),
        state=entry.outcome if entry.outcome != "DONE" else "",
        kind="EvidenceOutcome",
        since=entry.recorded_at,
    )
