"""The timeline of a case, from the application to the receipt: who, when, what, the deadline, what was delivered."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import orjson
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from adapters.clock import city_date
from adapters.errors import NotFound
from audit.models import Evidence
from audit.queries import indices, log_state
from directory.calendars.queries import calendars
from directory.people.queries import person_names
from directory.permissions import read_evidence, require
from exchange.applications.models import Application
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant, ReleaseRecord
from portal.access import SIGNED_IN, access, current_actor
from portal.edge import current_session
from portal.exports import Cell, wanted_export
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
MOST_RELEASES = 100_000


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
    grants = session.scalars(select(Grant).where(Grant.application_id == application.id).order_by(Grant.number)).all()
    deliveries = _deliveries(session, grants)
    steps = _steps(session, matter, deliveries)
    if wanted_export():
        name = application.number or str(application.id)
        cut = len(steps) == MOST_STEPS
        shown = Shown("timeline", name, _heads(), {"matter": matter}, matter=matter, more=cut)
        return signed_export(session, actor, shown, [_cells(step) for step in steps])
    record_search(session, actor, "timeline", {"matter": matter})
    answers = sorted(application.answers, key=lambda answer: answer.round)
    return render_template(
        "evidence/case.html",
        application=application,
        matter=matter,
        steps=steps,
        grants=grants,
        deliveries=deliveries,
        released={grant.id: _released(session, grant) for grant in grants},
        answers=answers,
        rule=answer_rule(application.rule_set),
        log=log_state(session),
    )


def _deliveries(session: Session, grants: Sequence[Grant]) -> Sequence[Delivery]:
    statement = select(Delivery).where(Delivery.grant_id.in_([grant.id for grant in grants]))
    loaded = statement.options(selectinload(Delivery.acknowledgement))
    return session.scalars(loaded.order_by(Delivery.requested_at).limit(MOST_STEPS)).all()


def _steps(session: Session, matter: str, deliveries: Sequence[Delivery]) -> list[Step]:
    """The first 500 steps of the case itself and of its deliveries."""
    own = (Evidence.matter == matter) & (Evidence.matter != "") & (Evidence.resource_code == "")
    delivered = Evidence.subject.in_([f"delivery/{each.id}" for each in deliveries])
    statement = select(Evidence).where(or_(own, delivered)).order_by(Evidence.recorded_at, Evidence.id)
    entries = session.scalars(statement.limit(MOST_STEPS)).all()
    people = person_names(session, {each.person_id for each in entries if each.person_id})
    agencies = names_by_code(session, {each.agency_code for each in entries if each.agency_code})
    words, numbers = in_words(session, {each.subject for each in entries}), indices(session, entries)
    known, steps = calendars(session), []
    before: date | None = None
    ahead = timedelta()
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
    return steps


def _case_day(entry: Evidence) -> date | None:
    """The day that the case clock showed; None where the entry names none, or its text lies in an archive."""
    told = orjson.loads(entry.body)["data"].get("case_time") if entry.body else None
    return city_date(datetime.fromisoformat(told)) if told else None


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
