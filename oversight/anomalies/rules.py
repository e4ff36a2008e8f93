"""The rules in force, and changing them as dated data, without a release."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, Sentence
from adapters.paging import USUAL_PAGE, Page, page_of
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory.permissions import require
from oversight.anomalies.models import AnomalyRuleChange
from oversight.anomalies.permissions import change_rule as may_change
from oversight.anomalies.scoring import Figures
from schemas.anomaly_rules import Rule, RuleFigure, anomaly_rules


@dataclass(frozen=True)
class InForce:
    """A rule as it governs now.

    Attributes:
        revision: 0 for the release's own.
        since: when the site set it; None for the release's own.
        reason: why.
    """

    rule: Rule
    revision: int
    enabled: bool
    figures: Figures
    since: datetime | None = None
    reason: str = ""


def rules_in_force(session: Session) -> dict[Rule, InForce]:
    """All rules: the site's latest change of each, the release's own where there is none."""
    latest = select(AnomalyRuleChange).ext(distinct_on(AnomalyRuleChange.rule))
    changed = session.scalars(latest.order_by(AnomalyRuleChange.rule, AnomalyRuleChange.revision.desc()))
    rules = {rule: InForce(rule, 0, True, own.values) for rule, own in anomaly_rules().rules.items()}
    return rules | {Rule(row.rule): _as_set(row) for row in changed}


def _as_set(row: AnomalyRuleChange) -> InForce:
    """The site's figures; one that a later release brought along has the release's value."""
    figures = anomaly_rules().rules[Rule(row.rule)].values | row.figures
    return InForce(Rule(row.rule), row.revision, row.enabled, figures, row.changed_at, row.reason)


def rule_changes(session: Session, *, cursor: str | None = None, limit: int = USUAL_PAGE) -> Page[AnomalyRuleChange]:
    """What the site changed, the latest first."""
    order = [AnomalyRuleChange.changed_at, AnomalyRuleChange.id]
    return page_of(session, select(AnomalyRuleChange), order, cursor=cursor, limit=limit, descending=True)


def change_rule(session: Session, actor: Actor, rule: Rule, body: Mapping[str, Any]) -> AnomalyRuleChange:
    """Set a rule's figures, or switch it on or off; it governs what is looked through from now on.

    Args:
        body: ``{"on": true, "figures": {"factor": 8, …}, "reason": "…"}``; figures not named stay as they are.

    Raises:
        NotAllowed: the actor is not the audit administrator.
        InvalidInput: no reason, a figure that the rule does not have, or one out of its bounds.
    """
    require(may_change(actor), "anomaly_rule.changed", f"anomaly_rule/{rule}")
    before = rules_in_force(session)[rule]
    given = body.get("figures")
    if not isinstance(given, Mapping) or not isinstance(body.get("on"), bool):
        raise _wrong("/figures", "Give the rule's figures as whole numbers, and whether it is on.")
    figures = {**before.figures, **given}
    for name, value in figures.items():
        _check(name, value, anomaly_rules().rules[rule].figures.get(name))
    if rule is Rule.HOUR and figures["from_hour"] >= figures["to_hour"]:
        raise _wrong("/figures/to_hour", "The working hours must end after they begin.")
    made = AnomalyRuleChange(
        rule=rule,
        revision=before.revision + 1,
        enabled=body["on"],
        figures=figures,
        reason=prose(body.get("reason"), "/reason", most=4_000),
        changed_by=actor.person_id,
    )
    session.add(made)
    session.flush()
    append(
        session,
        "anomaly_rule.changed",
        f"anomaly_rule/{made.id}",
        actor,
        before={"rule": rule, "revision": before.revision, "on": before.enabled, "figures": dict(before.figures)},
        after={"rule": rule, "revision": made.revision, "on": made.enabled, "figures": figures},
        personal={"reason": made.reason},
    )
    return made


def _check(name: str, value: object, figure: RuleFigure | None) -> None:
    place = f"/figures/{name}"
    if figure is None:
        raise _wrong(place, "The rule has no figure of this name.")
    if not isinstance(value, int) or isinstance(value, bool) or not figure.least <= value <= figure.most:
        raise _wrong(place, "This must be a whole number from {least} to {most}.", least=figure.least, most=figure.most)


def _wrong(pointer: str, sentence: str, **context: object) -> InvalidInput:
    problem = {"pointer": pointer, "code": "anomaly_rule.wrong", "message": Sentence(sentence, **context)}
    return InvalidInput("anomaly_rule.wrong", sentence, [problem], **context)
