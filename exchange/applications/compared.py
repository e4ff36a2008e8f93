"""Applications beside the evidence log: their state, days, form, receipt, hand-overs and answers (R120).

The state of an application is not taken from an entry: it follows from its answers, agreements, grants and disputes,
each of which is compared with entries of its own.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import Discrepancy, Recorded, batches, differences, recorded
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications.answer import content as answer_content
from exchange.applications.decisions import agreed_to
from exchange.applications.models import (
    Answer,
    Application,
    ApplicationItem,
    ApplicationState,
    HandOver,
    WrittenReceipt,
)
from exchange.applications.receipt import content as receipt_content
from exchange.applications.states import Standing, settled
from exchange.disputes.models import Dispute, DisputeState, Outcome
from exchange.grants.models import Grant, GrantState
from schemas.canonical import digest

RECEIVED = ("application.received", "application.receipt_settled")
_DATED = ("application.form_generated", *RECEIVED, "application.deadline_recomputed")
_CONCLUDED = ("dispute.concluded", "dispute.ruled")
_WITHDRAWN = "application.withdrawn"


def cases_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """Applications whose state, number or days are not those that entries of their case lead to."""
    rows = select(Application).options(
        selectinload(Application.answers).selectinload(Answer.items),
        selectinload(Application.items).selectinload(ApplicationItem.data_item),
    )
    kinds = (*_DATED, *_CONCLUDED, _WITHDRAWN)
    for batch in batches(session, rows, Application.id):
        entries = recorded(session, Evidence.matter, [_subject(row) for row in batch], kinds)
        disputes, standings = _last_disputes(session, batch), _standings(session, batch)
        for row in entries.known(batch, _subject):
            of_case = entries.get(_subject(row), [])
            found = {
                "state": row.state,
                "number": row.number,
                "received_on": _day(row.received_on),
                "due_on": _day(row.due_on),
                "provisional": row.due_provisional,
            }
            stated = _days(of_case) | {"state": _state(row, of_case, disputes.get(row.id), standings[row.id])}
            yield from differences(_subject(row), found, stated)


def forms_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Forms whose text is no longer the one that was generated, and applications that say otherwise than their form."""
    rows = select(Application).where(Application.form_digest.is_not(None)).options(selectinload(Application.items))
    for batch in batches(session, rows, Application.id):
        names = [_subject(row) for row in batch]
        entries = recorded(session, Evidence.subject, names, ["application.form_generated"], personal_details)
        for row in batch:
            stated = [each.after["digest"] for each in entries.get(_subject(row), []) if "digest" in each.after]
            now, form = digest(row.form), row.form or {}
            if stated and (now not in stated or row.form_digest not in stated):
                sentence = f"{_subject(row)} is not what its entry application.form_generated records."
                yield Discrepancy(_subject(row), sentence, expected=str(stated[-1]), found=now)
            yield from differences(_subject(row), _said(row), {**form, "items": _names(form)})


def receipts_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Receipts of the written form that do not say what was registered or settled last."""
    for batch in batches(session, select(WrittenReceipt), WrittenReceipt.application_id):
        names = [f"application/{row.application_id}" for row in batch]
        entries = recorded(session, Evidence.subject, names, RECEIVED, personal_details)
        for row in batch:
            subject = f"application/{row.application_id}"
            last = entries[subject][-1].after if subject in entries else {}
            yield from differences(subject, {"receipt": digest(receipt_content(row))}, last)


def hand_overs_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Hand-overs that no entry records with this day and this proof."""
    for batch in batches(session, select(HandOver), HandOver.id):
        subjects = {f"application/{row.application_id}" for row in batch}
        entries = recorded(session, Evidence.subject, subjects, ["application.handed_over"], personal_details)
        for row in entries.known(batch, _owner):
            subject = f"application/{row.application_id}"
            stated = [each.after for each in entries.get(subject, [])]
            found = row.handed_over_on.isoformat(), row.proof
            if not any((after.get("handed_over_on"), after.get("proof", row.proof)) == found for after in stated):
                sentence = f"A hand-over of {subject} is not what an entry application.handed_over records."
                yield Discrepancy(subject, sentence, found=row.handed_over_on.isoformat())


def answers_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Answers that no longer say what was answered, decisions, reasons and bases."""
    for batch in batches(session, select(Answer).options(selectinload(Answer.items)), Answer.id):
        subjects = {f"application/{row.application_id}" for row in batch}
        entries = recorded(session, Evidence.subject, subjects, ["application.answered"], personal_details)
        for row in entries.known(batch, _owner):
            subject, now = f"application/{row.application_id}", digest(answer_content(row))
            rounds = [each.after for each in entries.get(subject, []) if each.after.get("round") == row.round]
            stated = [str(after.get("digest", now)) for after in rounds]
            if now not in stated:
                sentence = f"Answer {row.number} of {subject} is not the one that its entry records."
                yield Discrepancy(subject, sentence, expected=", ".join(stated), found=now)


def _state(row: Application, entries: Sequence[Recorded], dispute: Dispute | None, standing: Standing) -> str:
    """The state that the parts of a case lead to."""
    if any(each.kind == _WITHDRAWN for each in entries):
        return ApplicationState.CLOSED
    if dispute is not None and dispute.state in (DisputeState.OPEN, DisputeState.ESCALATED):
        return ApplicationState.IN_DISPUTE
    concluded = dispute.conclusions if dispute is not None and len(row.answers) == dispute.answer_round else []
    if concluded and concluded[-1].outcome != Outcome.REFUSAL_STANDS:
        return ApplicationState.ANSWER_DIRECTED
    if row.answers:
        return settled(standing)
    days = _days(entries)
    if days.get("received_on"):
        return ApplicationState.RECEIVED
    return ApplicationState.FORM_GENERATED if days else ApplicationState.DRAFT


def _days(entries: Sequence[Recorded]) -> dict[str, Any]:
    """Number and days as the entries of a case state them, the last word of each."""
    stated: dict[str, Any] = {}
    for each in entries:
        if each.kind in _CONCLUDED and each.after.get("new_answer_due_on"):
            stated |= {"due_on": each.after["new_answer_due_on"], "provisional": each.after.get("provisional")}
        elif each.kind in _DATED:
            names = ("number", "received_on", "due_on", "provisional")
            stated |= {name: each.after[name] for name in names if name in each.after}
    return stated


def _last_disputes(session: Session, batch: Sequence[Application]) -> dict[uuid.UUID, Dispute]:
    """The last dispute of each application."""
    rows = select(Dispute).where(Dispute.application_id.in_([row.id for row in batch]))
    found = session.scalars(rows.options(selectinload(Dispute.conclusions)).order_by(Dispute.answer_round))
    return {dispute.application_id: dispute for dispute in found}


def _standings(session: Session, batch: Sequence[Application]) -> dict[uuid.UUID, Standing]:
    """What has come of each application."""
    wanted = [row.id for row in batch]
    proposed = select(Agreement.application_id).where(
        Agreement.application_id.in_(wanted), Agreement.state == AgreementState.PROPOSED
    )
    living = select(Grant.application_id).where(Grant.application_id.in_(wanted), Grant.state != GrantState.ENDED)
    open_, granted = set(session.scalars(proposed)), set(session.scalars(living))
    return {row.id: Standing(agreed_to(row), row.id in open_, row.id in granted) for row in batch}


def _said(row: Application) -> dict[str, Any]:
    """What an application says of itself, as its form does."""
    chosen = sorted((each.data_item for each in row.items), key=lambda item: item.position)
    return {
        "number": row.number,
        "scope": row.scope,
        "purpose": row.purpose,
        "duty": row.duty,
        "modes": list(row.modes),
        "row_condition": dict(row.row_condition),
        "quota_rows": row.quota_rows,
        "term_to": row.term_to.isoformat(),
        "items": [item.field_name for item in chosen],
    }


def _names(form: Mapping[str, Any]) -> list[Any]:
    items = form.get("items")
    return [each.get("field_name") for each in items] if isinstance(items, list) else []


def _day(day: Any) -> str | None:
    return day.isoformat() if day is not None else None


def _subject(row: Application) -> str:
    return f"application/{row.id}"


def _owner(row: HandOver | Answer) -> str:
    return f"application/{row.application_id}"
