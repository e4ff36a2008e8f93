"""Changes of what an entry describes, and the two working days to update the entry ([M] Art. 10¶3; R28).

The days run from the day of the change in reality. The update is done when a version that says so is handed in; its
review and publication have no days of their own.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, joinedload

from adapters.clock import case_now, case_today
from adapters.errors import Conflict, InvalidInput
from adapters.paging import USUAL_PAGE, Page, page_of
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory.calendars.queries import calendars
from directory.catalogue.models import CatalogueChange, Resource
from directory.catalogue.queries import published_version, resource
from directory.permissions import compile_entry, require
from schemas.canonical import sha256_hex
from schemas.rule_sets import rule_set, rule_set_for
from schemas.working_days import Calendar, Deadline, add_working_days

FIGURE = "catalogue_update"
_BATCH = 200


def deadline(happened_on: date, key: str, days: Sequence[Calendar]) -> Deadline:
    """The day by which an entry is updated after a change; the rule set of this key gives the figure."""
    return add_working_days(happened_on, rule_set(key).figure(FIGURE).value, tuple(days))


def record_change(
    session: Session, actor: Actor, resource_id: uuid.UUID, *, happened_on: date, what: str
) -> CatalogueChange:
    """Record that what a published entry describes has changed.

    Args:
        happened_on: the day of the change in reality, today or earlier by the case clock.
        what: what changed, up to 4,000 characters.

    Raises:
        NotAllowed: the actor does not compile for the entry's agency.
        NotFound: there is no such entry.
        Conflict: no version of it is in force.
        InvalidInput: the day lies ahead, or nothing is said.
    """
    of = resource(session, resource_id, steady=True)
    require(compile_entry(actor, of.agency_id), "resource.change_recorded", f"resource/{resource_id}")
    if published_version(session, resource_id) is None:
        sentence = "No version of this entry is in force, so there is nothing to bring up to date. Publish it first."
        raise Conflict("change.not_published", sentence)
    if happened_on > case_today(session):
        sentence = "The day of the change lies ahead. Enter the day on which it happened."
        raise InvalidInput("change.happened_on", sentence, [{"pointer": "/happened_on", "message": sentence}])
    return note(session, actor, of, happened_on, prose(what, "/what", most=4_000))


def note(session: Session, actor: Actor, of: Resource, happened_on: date, what: str) -> CatalogueChange:
    """Keep a change with its deadline; callers have checked that the actor may and the day can be."""
    key = rule_set_for(case_today(session)).key
    due = deadline(happened_on, key, calendars(session))
    change = CatalogueChange(
        id=uuid.uuid4(),
        resource=of,
        happened_on=happened_on,
        what=what,
        recorded_by=actor.answerable_id,
        rule_set=key,
        due_on=due.day,
        due_provisional=due.provisional,
        calendar_versions=list(due.calendar_versions),
    )
    session.add(change)
    session.flush()
    _record(session, actor, change, "resource.change_recorded", {"code": of.code})
    return change


def note_started(session: Session, actor: Actor, of: Resource, happened_on: date) -> None:
    """A next version is started for a change that nobody recorded: keep the day."""
    if session.scalar(_open_of(of.id).where(CatalogueChange.updated_on.is_(None)).limit(1)) is None:
        note(session, actor, of, happened_on, "")


def note_handed_in(session: Session, actor: Actor, resource_id: uuid.UUID) -> None:
    """A version is handed in: the changes recorded so far are updated today."""
    today = case_today(session)
    for change in session.scalars(_open_of(resource_id).where(CatalogueChange.updated_on.is_(None))).all():
        change.updated_on = today
        _record(session, actor, change, "resource.change_updated", {"late": today > change.due_on})


def close(session: Session, actor: Actor, resource_id: uuid.UUID, *, withdrawn: bool = False) -> None:
    """A version is published, which closes what it was handed in for; a withdrawn entry has nothing left to update."""
    rows = _open_of(resource_id)
    for change in session.scalars(rows if withdrawn else rows.where(CatalogueChange.updated_on.is_not(None))).all():
        change.closed_on = case_today(session)
        _record(session, actor, change, "resource.change_closed", {"withdrawn": withdrawn})


def recompute_changes(session: Session, actor: Actor) -> None:
    """Compute the days that run anew with the calendars known now; called when a calendar was added (R117)."""
    known, last = calendars(session), uuid.UUID(int=0)
    rows = select(CatalogueChange).where(CatalogueChange.updated_on.is_(None), CatalogueChange.closed_on.is_(None))
    while batch := session.scalars(
        rows.where(CatalogueChange.id > last).order_by(CatalogueChange.id).limit(_BATCH).with_for_update()
    ).all():
        for change in batch:
            due = deadline(change.happened_on, change.rule_set, known)
            if (due.day, due.provisional) != (change.due_on, change.due_provisional):
                change.due_on, change.due_provisional = due.day, due.provisional
                change.calendar_versions = list(due.calendar_versions)
                _record(session, actor, change, "resource.change_deadline_recomputed", {})
        last = batch[-1].id


def open_changes(session: Session, resource_id: uuid.UUID) -> Sequence[CatalogueChange]:
    """The changes of one entry that are not closed, the earliest due first; 50 at most."""
    return session.scalars(_open_of(resource_id, lock=False).limit(USUAL_PAGE)).all()


def changes_due(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[CatalogueChange]:
    """Changes for which the actor's agency has handed nothing in yet, the earliest due first."""
    return _page(session, Resource.agency_id == actor.agency_id, cursor, limit)


def overdue_changes(session: Session, *, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page[CatalogueChange]:
    """Changes of all agencies whose days are over and for which nothing was handed in, the longest overdue first."""
    return _page(session, CatalogueChange.due_on < case_today(session), cursor, limit)


def _page(session: Session, condition: ColumnElement[bool], cursor: str | None, limit: int) -> Page[CatalogueChange]:
    waiting = CatalogueChange.closed_on.is_(None), CatalogueChange.updated_on.is_(None)
    rows = select(CatalogueChange).join(Resource).where(*waiting, condition)
    shown = rows.options(joinedload(CatalogueChange.resource).joinedload(Resource.agency))
    return page_of(session, shown, [CatalogueChange.due_on, CatalogueChange.id], cursor=cursor, limit=limit)


def _open_of(resource_id: uuid.UUID, *, lock: bool = True) -> Select[CatalogueChange]:
    rows = select(CatalogueChange).where(
        CatalogueChange.resource_id == resource_id, CatalogueChange.closed_on.is_(None)
    )
    ordered = rows.order_by(CatalogueChange.due_on, CatalogueChange.id)
    return ordered.with_for_update() if lock else ordered


def change_facts(change: CatalogueChange) -> dict[str, object]:
    """What a change says, as its entries record it; the digest of its words in their encrypted part."""
    return {
        "happened_on": change.happened_on.isoformat(),
        "digest": sha256_hex(change.what.encode()),
        "due_on": change.due_on.isoformat(),
        "provisional": change.due_provisional,
        "updated_on": change.updated_on.isoformat() if change.updated_on else None,
        "closed_on": change.closed_on.isoformat() if change.closed_on else None,
    }


def _record(session: Session, actor: Actor, change: CatalogueChange, kind: str, more: Mapping[str, object]) -> None:
    session.flush()
    authority = f"{change.rule_set} Art. {rule_set(change.rule_set).figure(FIGURE).article}"
    facts = {**change_facts(change), "resource": str(change.resource_id), **more}
    words = {"digest": facts.pop("digest")}
    subject, now = f"catalogue_change/{change.id}", case_now(session)
    append(session, kind, subject, actor, authority=authority, after=facts, personal=words, case_time=now)
