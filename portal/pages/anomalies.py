"""Unusual use: what waits for the auditor, each with what it rests on; the rules and their figures."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.errors import Conflict, InvalidInput, NotFound
from adapters.paging import Page
from audit.actor import Actor
from audit.queries import log_state
from directory.people.queries import person_names
from directory.people.roles import Role
from directory.permissions import Allowed, see_grant
from exchange.grants.models import Grant, GrantState
from oversight.anomalies.decide import dismiss, may_suspend_for, note_acted, suspend_for
from oversight.anomalies.models import Anomaly, AnomalyState
from oversight.anomalies.permissions import change_rule as may_change
from oversight.anomalies.permissions import decide_anomaly, read_anomalies
from oversight.anomalies.queries import (
    MOST_COUNTED,
    anomaly,
    listing,
    looked_through,
    rests_on,
    standing_still,
    waiting,
)
from oversight.anomalies.rules import change_rule, rule_changes, rules_in_force
from oversight.anomalies.scoring import EXPLANATION_MESSAGES
from portal import signed_exports
from portal.access import access, current_actor, roles
from portal.edge import current_session
from portal.filters import moment, number
from portal.forms import form_again
from portal.i18n import translate
from portal.labels import LABELS, label
from portal.languages import N_, is_chinese
from portal.lists import Column, Facet, listed
from portal.names import agency_names
from portal.pages.case import names_by_code
from portal.pages.frame import DeskItem, DeskSection, NavigationEntry, Pages
from portal.pages.subjects import in_words
from schemas.anomaly_rules import Rule, anomaly_rules

blueprint = Blueprint("anomalies", __name__, url_prefix="/anomalies")
READERS = roles(Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)
LONGEST_NUMBER = 10


@dataclass(frozen=True)
class Shown:
    """An anomaly as lists show it: what it is about and what was found, in words.

    Attributes:
        still: the state of its grant, where that is suspended or has ended; "" else.
    """

    row: Anomaly
    about: str
    explanation: str
    still: str


FACETS = (
    Facet("rule", N_("Rule"), "Rule"),
    Facet("state", N_("State"), "AnomalyState"),
    Facet("receiver", N_("Agency")),
)
COLUMNS: tuple[Column[Shown], ...] = (
    (N_("Score"), lambda shown, names: shown.row.score),
    (N_("Rule"), lambda shown, names: label(shown.row.rule, "Rule")),
    (N_("Concerns"), lambda shown, names: shown.about),
    (N_("State of the grant"), lambda shown, names: label(shown.still, "GrantState") if shown.still else ""),
    (N_("Agency"), lambda shown, names: names.get(shown.row.agency_id, "") if shown.row.agency_id else ""),
    (N_("What was found"), lambda shown, names: shown.explanation),
    (N_("State"), lambda shown, names: label(shown.row.state, "AnomalyState")),
    (N_("Found"), lambda shown, names: moment(shown.row.found_at)),
    (N_("Reason"), lambda shown, names: shown.row.reason),
)


@blueprint.get("/")
@access(READERS, commits=True)
def index() -> ResponseReturnValue:
    """Anomalies that wait, or all; the file of them is signed, as all that an auditor takes out."""
    session, view = current_session(), "all" if request.args.get("view") == "all" else "open"
    asked = {"view": view, **{one.field: ",".join(request.args.getlist(one.field)) for one in FACETS}}
    return listed(
        "anomalies/index.html",
        N_("Anomalies"),
        listing(current_actor(), only_open=view == "open"),
        lambda page: Page(_shown(session, page.items), page.next_cursor),
        FACETS,
        COLUMNS,
        lambda name, heads, rows: signed_exports.signed_export(
            session, current_actor(), signed_exports.Shown("anomalies", name, heads, asked), rows
        ),
        log=log_state(session),
        looked=looked_through(session),
        view=view,
        views=[("open", _("Undecided"), url_for(".index")), ("all", _("All"), url_for(".index", view="all"))],
    )


@blueprint.get("/<uuid:anomaly_id>")
@access(READERS)
def show(anomaly_id: uuid.UUID) -> str:
    """One anomaly: what was found, by which figures, what it rests on."""
    return render_template("anomalies/show.html", **_page(anomaly_id))


@blueprint.post("/<uuid:anomaly_id>")
@access(roles(Role.AUDITOR))
def decide(anomaly_id: uuid.UUID) -> ResponseReturnValue:
    """Suspend the grant, note that something was done, or dismiss the anomaly; all with a reason."""
    decision = (request.form.getlist("decision") or [""])[-1]
    services = {"suspend": suspend_for, "dismiss": dismiss, "acted": note_acted}
    try:
        if decision not in services:
            raise InvalidInput(
                "anomaly.decision", "Nothing was decided: press one of the buttons, to act or to dismiss the anomaly."
            )
        services[decision](current_session(), current_actor(), anomaly_id, reason=request.form.get("reason", ""))
    except (InvalidInput, Conflict) as error:
        return form_again(error, "anomalies/show.html", **_page(anomaly_id))
    done = {
        "suspend": _("The grant is suspended. Nothing leaves under it from now on."),
        "dismiss": _("The anomaly is dismissed."),
        "acted": _("It is noted that something was done about it."),
    }
    flash(done[decision], "success")
    return redirect(url_for(".show", anomaly_id=anomaly_id), 303)


@blueprint.get("/rules")
@access(READERS)
def rules() -> str:
    """The rules in force, with their figures and what the site changed."""
    return render_template("anomalies/rules.html", **_rules(request.args.get("rule", "")))


@blueprint.post("/rules/<rule>")
@access(roles(Role.AUDIT_ADMINISTRATOR))
def set_rule(rule: str) -> ResponseReturnValue:
    """Set a rule's figures, or switch it on or off."""
    if rule not in set(Rule):
        raise NotFound("anomaly_rule.unknown", "There is no such rule. Choose it from the page of rules.")
    figures = {name: _whole(request.form.get(name, "")) for name in anomaly_rules().rules[Rule(rule)].figures}
    body = {"on": request.form.get("on") == "1", "figures": figures, "reason": request.form.get("reason", "")}
    try:
        change_rule(current_session(), current_actor(), Rule(rule), body)
    except InvalidInput as error:
        for problem in error.problems:
            problem["pointer"] = problem["pointer"].removeprefix("/figures")
        return form_again(error, "anomalies/rules.html", **_rules(rule))
    flash(_("The rule is changed. It governs what is recorded from now on."), "success")
    return redirect(url_for(".rules"), 303)


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """Open anomalies on the auditor's desk, the highest score first."""
    if not isinstance(read_anomalies(actor), Allowed):
        return []
    heap = waiting(session, actor)
    items = [
        DeskItem(
            href=url_for("anomalies.show", anomaly_id=shown.row.id),
            title=_(
                "%(score)s · %(rule)s · %(about)s",
                score=shown.row.score,
                rule=label(shown.row.rule, "Rule"),
                about=shown.about,
            ),
            detail=shown.explanation,
            since=shown.row.last_seen,
        )
        for shown in _shown(session, heap.items)
    ]
    more = url_for("anomalies.index")
    cut = heap.total == MOST_COUNTED
    empty = N_("Nothing unusual waits.")
    return [DeskSection(N_("Unusual use"), items, heap.total, more, empty, order=8, at_least=cut)]


def _shown(session: Session, rows: Sequence[Anomaly]) -> tuple[Shown, ...]:
    words = in_words(session, [about for row in rows for about in _about(row)])
    still = standing_still(session, rows)
    return tuple(
        Shown(
            row,
            " · ".join([*(words[each] for each in _about(row)), *([row.client_id] if row.client_id else [])]),
            explained(row),
            still.get(row.grant_id, "") if row.grant_id else "",
        )
        for row in rows
    )


def _about(row: Anomaly) -> list[str]:
    subjects = (("grant", row.grant_id), ("person", row.person_id))
    return [f"{noun}/{key}" for noun, key in subjects if key]


def explained(row: Anomaly) -> str:
    """What was found, with its figures, in the reader's language."""
    return translate(EXPLANATION_MESSAGES[row.finding], _measured(row))


def _measured(row: Anomaly) -> dict[str, str]:
    return {name: number(value) if isinstance(value, int) else value for name, value in row.measured.items()}


def _measured_cards(row: Anomaly) -> list[tuple[str, str]]:
    """What was measured, by name; what the rule of hours calls usual is a share in per cent."""
    measured = _measured(row)
    if row.rule == Rule.HOUR and "usual" in measured:
        measured["usual"] += "%"
    return [(label(name, "Measured"), measured[name]) for name in LABELS["Measured"] if name in measured]


def _page(anomaly_id: uuid.UUID) -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    row = anomaly(session, actor, anomaly_id)
    grant = session.get(Grant, row.grant_id) if row.grant_id else None
    entries = rests_on(session, row.entries)
    people = {each for each in (row.person_id, row.decided_by, *(entry.person_id for entry in entries)) if each}
    open_to = row.state == AnomalyState.OPEN and isinstance(decide_anomaly(actor), Allowed)
    return {
        "row": row,
        "log": log_state(session),
        "shown": _shown(session, [row])[0],
        "grant": grant,
        "may_see_grant": grant is not None and _sees(actor, grant),
        "agency": agency_names(session, {row.agency_id}).get(row.agency_id, "") if row.agency_id else "",
        "entries": entries,
        "people": person_names(session, people),
        "names": names_by_code(session, {entry.agency_code for entry in entries if entry.agency_code}),
        "words": in_words(session, [entry.subject for entry in entries]),
        "measured": _measured_cards(row),
        "figures": [(title, number(row.figures.get(name))) for name, title in _titles(Rule(row.rule)).items()],
        "may_decide": open_to,
        "may_suspend": may_suspend_for(actor, row, grant),
    }


def _sees(actor: Actor, grant: Grant) -> bool:
    stopped = grant.state == GrantState.SUSPENDED
    return isinstance(see_grant(actor, grant.requester_id, grant.provider_id, stopped), Allowed)


def _titles(rule: Rule) -> Mapping[str, str]:
    """Names of a rule's figures in the reader's language."""
    figures = anomaly_rules().rules[rule].figures
    return {name: figure.zh if is_chinese() else figure.en for name, figure in figures.items()}


def _rules(opened: str) -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    packaged, in_force = anomaly_rules(), rules_in_force(session)
    changes = rule_changes(session).items
    may = isinstance(may_change(actor), Allowed)
    return {
        "rules": [(in_force[rule], packaged.rules[rule].figures, _titles(rule)) for rule in Rule],
        "log": log_state(session),
        "note": packaged.note_zh if is_chinese() else packaged.note_en,
        "changes": changes,
        "people": person_names(session, {each.changed_by for each in changes if each.changed_by}),
        "may_change": may,
        "opened": opened if may and opened in set(Rule) else "",
    }


def _whole(text: str) -> int | str:
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) <= LONGEST_NUMBER else stripped


PAGES = Pages(
    blueprint,
    navigation=(NavigationEntry(N_("Anomalies"), "anomalies.index", order=61, shown_to=READERS),),
    desk_sections=desk_sections,
)
