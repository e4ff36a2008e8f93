"""The timeline of a case, from the application to the receipt: who, when, what, the deadline, what was delivered."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, String, cast, func, literal, select, tuple_, union
from sqlalchemy.orm import Session, selectinload

from adapters.clock import city_date, system_now
from adapters.errors import NotFound
from adapters.paging import Page, UnknownPlace, decode_cursor, encode_cursor
from audit.models import Evidence
from audit.queries import indices, log_state
from audit.texts import case_time, entry_text
from directory.calendars.queries import calendars
from directory.people.queries import person_names
from directory.permissions import Allowed, read_evidence, require, see_grant
from exchange.applications.models import Application
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant, ReleaseRecord
from portal.access import SIGNED_IN, access, current_actor
from portal.edge import current_session
from portal.exports import Cell, every, wanted_export
from portal.filters import moment
from portal.labels import label
from portal.pages.case import answer_rule, names_by_code
from portal.pages.frame import Pages
from portal.pages.subjects import in_words
from portal.recorded_searches import record_search
from portal.signed_exports import Shown, signed_export
from schemas.working_days import working_days_between

blueprint = Blueprint("evidence_case", __name__, url_prefix="/evidence/case")

MOST_STEPS = 500
MOST_DELIVERIES = 500
MOST_RELEASES = 100_000
_FARTHEST = timedelta(days=10_000)


@dataclass(frozen=True)
class Step:
    """One step of the case.

    Attributes:
        day: the day of the case that deadlines count by, where the entry names it; else the day of the entry.
        days: working days since the step before.
        index: the entry's number in the log; None while it waits.
    """

    entry: Evidence
    who: str
    what: str
    about: str
    day: date
    days: int
    index: int | None


@blueprint.get("/<uuid:application_id>")
@access(SIGNED_IN, commits=True)
def show(application_id: uuid.UUID) -> ResponseReturnValue:
    """The steps in their order. Releases are summed up by grant: there may be a million of them."""
    session, actor = current_session(), current_actor()
    application = session.get(Application, application_id)
    if application is None:
        raise NotFound("application.unknown", "There is no such application. Choose one from your list.")
    require(read_evidence(actor, {application.requester.credit_code, application.provider.credit_code}))
    matter = f"application/{application.id}"
    if wanted_export():
        name = application.number or str(application.id)
        shown = Shown("timeline", name, _heads(), {"matter": matter}, matter=matter)
        return signed_export(session, actor, shown, every(lambda cursor: _rows(session, application.id, cursor)))
    steps = _steps(session, application.id, request.args.get("cursor"))
    record_search(session, actor, "timeline", {"matter": matter})
    grants = session.scalars(select(Grant).where(Grant.application_id == application.id).order_by(Grant.number)).all()
    deliveries = _deliveries(session, application.id)
    answers = sorted(application.answers, key=lambda answer: answer.round)
    return render_template(
        "evidence/case.html",
        application=application,
        matter=matter,
        steps=steps,
        grants=grants,
        deliveries=deliveries[:MOST_DELIVERIES],
        may_take=isinstance(see_grant(actor, application.requester_id, application.provider_id), Allowed),
        more_deliveries=len(deliveries) > MOST_DELIVERIES,
        released={grant.id: _released(session, grant) for grant in grants},
        answers=answers,
        rule=answer_rule(application.rule_set),
        log=log_state(session),
    )


def _deliveries(session: Session, application_id: uuid.UUID) -> Sequence[Delivery]:
    """The first deliveries under the application's grants, one more than are listed."""
    under = select(Grant.id).where(Grant.application_id == application_id)
    loaded = select(Delivery).where(Delivery.grant_id.in_(under)).options(selectinload(Delivery.acknowledgement))
    ordered = loaded.order_by(Delivery.requested_at, Delivery.id)
    return session.scalars(ordered.limit(MOST_DELIVERIES + 1)).all()


def _steps(session: Session, application_id: uuid.UUID, cursor: str | None) -> Page[Step]:
    """Up to 500 steps of the case itself and of its deliveries, after those that the cursor stands for.

    The cursor carries besides the last step's place how many days the case clock was ahead there.

    Raises:
        UnknownPlace: the cursor stands for no place in a timeline.
    """
    place, ahead = _place(cursor)
    before = city_date(place[0]) + ahead if place else None
    found = session.scalars(_entries(application_id, place)).all()
    entries = found[:MOST_STEPS]
    people = person_names(session, {each.person_id for each in entries if each.person_id})
    agencies = names_by_code(session, {each.agency_code for each in entries if each.agency_code})
    words, numbers = in_words(session, {each.subject for each in entries}), indices(session, entries)
    known, steps = calendars(session), []
    for each in entries:
        recorded, told = city_date(each.recorded_at), _case_day(each)
        ahead = told - recorded if told else ahead
        day = recorded + ahead
        who = (agencies.get(each.agency_code, ""), people.get(each.person_id, "") if each.person_id else "")
        steps.append(
            Step(
                each,
                " ".join(part for part in who if part) or _("The hub"),
                label(each.kind, "EvidenceKind"),
                words.get(each.subject, ""),
                told or recorded,
                working_days_between(before, day, known) if before else 0,
                numbers.get(each.id),
            )
        )
        before = day
    last = entries[-1] if len(found) > MOST_STEPS else None
    return Page(tuple(steps), encode_cursor((last.recorded_at, last.id, ahead.days)) if last else None)


def _entries(application_id: uuid.UUID, place: tuple[datetime, uuid.UUID] | None) -> Select[Evidence]:
    """The entries of the case and of its deliveries after a place, one more than a page has."""
    matter, order = f"application/{application_id}", (Evidence.recorded_at, Evidence.id)
    subject = literal("delivery/") + cast(Delivery.id, String)
    deliveries = (
        select(subject).join(Grant, Grant.id == Delivery.grant_id).where(Grant.application_id == application_id)
    )
    own = select(Evidence.id).where(Evidence.matter == matter, Evidence.matter != "", Evidence.resource_code == "")
    delivered = select(Evidence.id).where(Evidence.subject.in_(deliveries))
    arms = [
        select(
            arm.where(tuple_(*order) > tuple_(*place) if place else literal(True))
            .order_by(*order)
            .limit(MOST_STEPS + 1)
            .subquery()
            .c.id
        )
        for arm in (own, delivered)
    ]
    return select(Evidence).where(Evidence.id.in_(union(*arms))).order_by(*order).limit(MOST_STEPS + 1)


def _place(cursor: str | None) -> tuple[tuple[datetime, uuid.UUID] | None, timedelta]:
    """The last step before the page, and how far the case clock was ahead of the system clock there.

    Raises:
        UnknownPlace: the cursor stands for no place in a timeline.
    """
    if not cursor:
        return None, timedelta()
    moment, identity, days = decode_cursor(cursor, [datetime, uuid.UUID, int])
    if abs(days) > _FARTHEST.days or abs(system_now() - moment) > _FARTHEST:
        raise UnknownPlace(
            "paging.cursor", "This cursor belongs to no list. Start again from the first page, without a cursor."
        )
    return (moment, identity), timedelta(days=days)


def _rows(session: Session, application_id: uuid.UUID, cursor: str | None) -> Page[Sequence[Cell]]:
    """A page of steps, as rows of the file."""
    steps = _steps(session, application_id, cursor)
    return Page(tuple(_cells(step) for step in steps.items), steps.next_cursor)


def _case_day(entry: Evidence) -> date | None:
    """The day that the case clock showed; None where the entry names none, its text lies in an archive or is falsified,
    or the day is farther away than a timeline reaches."""
    said = entry_text(entry.body) if entry.body else None
    told = case_time(said["data"].get("case_time")) if said else None
    return city_date(told) if told and abs(told - entry.recorded_at) <= _FARTHEST else None


def _released(session: Session, grant: Grant) -> tuple[int, int]:
    """How often something left under a grant, counted up to 100,000, and how many rows in these."""
    some = select(ReleaseRecord.rows).where(ReleaseRecord.grant_id == grant.id).limit(MOST_RELEASES).subquery()
    row = session.execute(select(func.count(), func.coalesce(func.sum(some.c.rows), 0)).select_from(some)).one()
    return row[0], int(row[1])


def _heads() -> list[str]:
    return [
        _("Number in the log"),
        _("When"),
        _("What happened"),
        _("Outcome"),
        _("Who"),
        _("Subject"),
        _("Working days since the step before"),
        _("Identifier of the entry"),
        _("Leaf hash"),
    ]


def _cells(step: Step) -> list[Cell]:
    entry = step.entry
    outcome = label(entry.outcome, "EvidenceOutcome")
    told: list[Cell] = [step.index, moment(entry.recorded_at), step.what, outcome, step.who, step.about, step.days]
    return [*told, str(entry.id), entry.leaf_hash.hex()]


PAGES = Pages(blueprint)
