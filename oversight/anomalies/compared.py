"""What was found unusual beside the evidence log: rows, entries, states, rules, and how far it was looked (R120)."""

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from audit.models import LogLeaf
from audit.opened import personal_details
from audit.reconcile import (
    UNSTATED,
    Discrepancy,
    entries_have_rows,
    facts_follow_entries,
    register,
    rows_have_entries,
    states_follow_entries,
)
from directory.deeds import Deed, deeds_follow_entries
from oversight.anomalies.models import Anomaly, AnomalyRuleChange, AnomalyState, LookedThrough
from oversight.anomalies.record import weight

_STATES = {
    "anomaly.found": AnomalyState.OPEN,
    "anomaly.dismissed": AnomalyState.DISMISSED,
    "anomaly.acted": AnomalyState.ACTED,
}

_DECIDED = ("anomaly.dismissed", "anomaly.acted")
_UNREAD = {"weight": UNSTATED}
"""What an entry says of a weight that it may not have, or not any more."""
_DEEDS = (
    Deed(["anomaly.found"], moment="found_at"),
    Deed(_DECIDED, person="decided_by", moment="decided_at"),
)


def register_reconcilers() -> None:
    """Have every verification compare these tables with the log."""
    register("anomaly", rows_have_entries("anomaly", Anomaly.id, ["anomaly.found"]))
    register("anomaly-entries", entries_have_rows("anomaly", Anomaly.id, ["anomaly.found"]))
    register("anomaly-state", states_follow_entries("anomaly", Anomaly.id, Anomaly.state, _STATES))
    changed = ["anomaly_rule.changed"]
    register("anomaly-rule", rows_have_entries("anomaly_rule", AnomalyRuleChange.id, changed))
    register("anomaly-rule-entries", entries_have_rows("anomaly_rule", AnomalyRuleChange.id, changed))
    rules = facts_follow_entries(
        "anomaly_rule", select(AnomalyRuleChange), AnomalyRuleChange.id, changed, _rule_facts, opener=personal_details
    )
    register("anomaly-rule-content", rules)
    found = facts_follow_entries(
        "anomaly", select(Anomaly), Anomaly.id, ["anomaly.found"], _anomaly_facts, opener=personal_details
    )
    register("anomaly-content", found)
    weighed = facts_follow_entries(
        "anomaly",
        select(Anomaly),
        Anomaly.id,
        ["anomaly.found", "anomaly.grown", *_DECIDED],
        lambda row: {"reason": row.reason, **weight(row)},
        first={"reason": ""},
        means={"anomaly.grown": _UNREAD, **dict.fromkeys(_DECIDED, _UNREAD | {"reason": UNSTATED})},
        opener=personal_details,
    )
    register("anomaly-weight", weighed)
    register("anomaly-deeds", deeds_follow_entries("anomaly", Anomaly, Anomaly.id, _DEEDS))
    register("anomaly-looked-through", looked_within_the_log)


def looked_within_the_log(session: Session) -> Iterator[Discrepancy]:
    """Entries that count as looked through and are not in the log: what comes in their place would not be looked at."""
    size = session.scalar(select(LookedThrough.size)) or 0
    entries = session.scalar(select(func.coalesce(func.max(LogLeaf.leaf_index) + 1, 0))) or 0
    if size > entries:
        sentence = f"{size} entries count as looked through, and the log has {entries}."
        yield Discrepancy("anomaly_looked_through/1", sentence, expected=str(entries), found=str(size))


def _rule_facts(row: AnomalyRuleChange) -> dict[str, object]:
    return {
        "rule": row.rule,
        "revision": row.revision,
        "on": row.enabled,
        "figures": dict(row.figures),
        "reason": row.reason,
    }


def _anomaly_facts(row: Anomaly) -> dict[str, object]:
    """What no later use changes; score, figures and entries grow while it is open, see ``weight``."""
    return {
        "key": row.key,
        "rule": row.rule,
        "grant": str(row.grant_id) if row.grant_id else None,
        "agency": str(row.agency_id) if row.agency_id else None,
        "person": str(row.person_id) if row.person_id else None,
        "client": row.client_id or None,
    }
