"""When the provider's answer is due, and the computing anew when a calendar is added ([M] Art. 15; R40, R117)."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_now
from audit.actor import Actor
from audit.append import append
from directory.calendars.queries import calendars
from exchange.applications import load
from exchange.applications.models import Application, ApplicationState
from exchange.disputes.models import Conclusion, Dispute
from schemas.rule_sets import rule_set
from schemas.working_days import Calendar, Deadline, add_working_days, working_days_between

RUNNING = (ApplicationState.RECEIVED, ApplicationState.ANSWER_DIRECTED)
"""States in which the provider owes an answer."""


def answer_deadline(application: Application, start: date, days: Sequence[Calendar]) -> Deadline:
    """The day by which an answer is due that is owed since ``start``; the application's rule set gives the figure."""
    figure = rule_set(application.rule_set).figure("answer")
    return add_working_days(start, figure.value, tuple(days))


def start_clock(session: Session, application: Application, start: date) -> None:
    """Let the days for an answer run from ``start``, which is not counted."""
    _set(application, answer_deadline(application, start, calendars(session)))


def days_left(due_on: date, today: date, days: Sequence[Calendar]) -> int:
    """Working days left until the last day of a term, 0 on that day, negative when it is over."""
    if today <= due_on:
        return working_days_between(today, due_on, tuple(days))
    return -max(working_days_between(due_on, today, tuple(days)), 1)


def recompute_deadlines(session: Session, actor: Actor) -> int:
    """Compute every running deadline anew with the calendars known now; called when a calendar was added.

    Returns:
        how many deadlines moved or ceased to be provisional.
    """
    known = calendars(session)
    changed = 0
    last = uuid.UUID(int=0)
    while True:
        batch = session.scalars(
            select(Application)
            .where(Application.state.in_(RUNNING), Application.due_on.is_not(None), Application.id > last)
            .order_by(Application.id)
            .limit(200)
            .with_for_update()
        ).all()
        if not batch:
            return changed
        changed += sum(_recompute(session, actor, application, known) for application in batch)
        last = batch[-1].id


def _recompute(session: Session, actor: Actor, application: Application, known: Sequence[Calendar]) -> bool:
    directed = application.state == ApplicationState.ANSWER_DIRECTED
    conclusion = last_conclusion(session, application.id) if directed else None
    start = conclusion.concluded_on if conclusion is not None else application.received_on
    if start is None:
        return False
    before = {"due_on": str(application.due_on), "provisional": application.due_provisional}
    deadline = answer_deadline(application, start, known)
    _set(application, deadline)
    if conclusion is not None:
        conclusion.new_answer_due_on = deadline.day
    after = {"due_on": str(deadline.day), "provisional": deadline.provisional}
    session.flush()
    if before == after:
        return False
    subject = load.subject(application)
    append(
        session,
        "application.deadline_recomputed",
        subject,
        actor,
        matter=subject,
        before=before,
        after=after | {"calendars": list(deadline.calendar_versions)},
        case_time=case_now(session),
    )
    return True


def last_conclusion(session: Session, application_id: uuid.UUID) -> Conclusion | None:
    """The newest conclusion or ruling about an application."""
    return session.scalar(
        select(Conclusion)
        .join(Dispute)
        .where(Dispute.application_id == application_id)
        .order_by(Conclusion.concluded_at.desc())
        .limit(1)
    )


def _set(application: Application, deadline: Deadline) -> None:
    application.due_on = deadline.day
    application.due_provisional = deadline.provisional
    application.calendar_versions = list(deadline.calendar_versions)
