"""What the pages of a case share: its timeline, the sentence of a deadline's rule, open steps, people's names."""

import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import Conflict, InvalidInput
from audit.actor import Actor
from audit.models import Evidence
from audit.queries import timeline
from directory.agencies.models import Agency
from directory.people.queries import person_names
from directory.permissions import Allowed, read_evidence
from portal.forms import form_again
from portal.labels import label
from portal.languages import is_chinese
from portal.names import agency_name
from schemas.rule_sets import RuleSet, rule_set

Moment = tuple[datetime, str, str, str]


def step_open(allowed: Collection[str]) -> str:
    """The step whose form the address asks for (``?step=withdraw``), "" when it is not allowed now."""
    asked = request.args.get("step", "")
    return asked if asked.upper() in {str(step) for step in allowed} else ""


def take(
    act: Callable[[], object], done: str, onwards: str, template: str, again: Callable[[], dict[str, Any]]
) -> ResponseReturnValue:
    """Carry out one step: go on with a message, or show its page again with what has to be corrected.

    Args:
        act: calls the service.
        done: translated sentence after success.
        onwards: address to go to after success.
        template: the page that holds the step's form.
        again: reads anew what the page needs.
    """
    try:
        act()
    except (InvalidInput, Conflict) as error:
        return _shown_again(error, template, again)
    flash(done, "success")
    return redirect(onwards, 303)


def _shown_again(
    error: InvalidInput | Conflict, template: str, again: Callable[[], dict[str, Any]]
) -> ResponseReturnValue:
    return form_again(error, template, **again())


def case_timeline(session: Session, matter: str) -> list[Moment]:
    """Everything recorded about a case, newest first: moment, title, who, outcome when it is not done."""
    entries = timeline(session, matter)
    people, agencies = _actors(session, entries)
    found: list[Moment] = []
    for entry in reversed(entries):
        agency = agencies.get(entry.agency_code, "")
        person = people.get(entry.person_id, "") if entry.person_id else ""
        who = " ".join(part for part in (agency, person) if part) or _("The hub")
        detail = "" if entry.outcome == "DONE" else label(entry.outcome, "EvidenceOutcome")
        found.append((entry.recorded_at, label(entry.kind, "EvidenceKind"), who, detail))
    return found


def _actors(session: Session, entries: Iterable[Evidence]) -> tuple[dict[uuid.UUID, str], dict[str, str]]:
    found = list(entries)
    people = person_names(session, {entry.person_id for entry in found if entry.person_id})
    return people, names_by_code(session, {entry.agency_code for entry in found if entry.agency_code})


def reads_evidence(actor: Actor, *sides: Agency) -> bool:
    """Whether evidence of a case with these sides is open to the actor."""
    return isinstance(read_evidence(actor, {side.credit_code for side in sides}), Allowed)


def names_by_code(session: Session, codes: Collection[str]) -> dict[str, str]:
    """Names of agencies in the reader's language, by their unified social credit code."""
    found = session.scalars(select(Agency).where(Agency.credit_code.in_(codes)))
    return {agency.credit_code: agency_name(agency) for agency in found}


def answer_rule(key: str) -> str:
    """The rule that an answer's deadline comes from, with the marks it needs (our reading, lapsed, unverified)."""
    rules = rule_set(key)
    figure = rules.figure("answer")
    parts = [
        _(
            "%(document)s, Art. %(article)s: %(days)s working days after receipt of the written application",
            document=rules.document,
            article=figure.article or "—",
            days=figure.value,
        )
    ]
    if not figure.verified:
        parts.append(_("this figure could not be verified"))
    return str(_("; ")).join(parts)


def rule_note(key: str) -> str:
    """Title and legal standing of a rule set."""
    rules: RuleSet = rule_set(key)
    validity = rules.legal_validity
    if is_chinese():
        return f"《{rules.title_zh}》（{rules.document}）。{validity.note_zh}"
    return f"{rules.title_en} ({rules.document}). {validity.note_en}"
