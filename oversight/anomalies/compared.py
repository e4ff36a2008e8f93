"""What was found unusual beside the evidence log: rows, entries and states (R120)."""

from audit.reconcile import entries_have_rows, register, rows_have_entries, states_follow_entries
from oversight.anomalies.models import Anomaly, AnomalyRuleChange, AnomalyState

_STATES = {
    "anomaly.found": AnomalyState.OPEN,
    "anomaly.dismissed": AnomalyState.DISMISSED,
    "anomaly.acted": AnomalyState.ACTED,
}


def register_reconcilers() -> None:
    """Have every verification compare these tables with the log."""
    register("anomaly", rows_have_entries("anomaly", Anomaly.id, ["anomaly.found"]))
    register("anomaly-entries", entries_have_rows("anomaly", Anomaly.id, ["anomaly.found"]))
    register("anomaly-state", states_follow_entries("anomaly", Anomaly.id, Anomaly.state, _STATES))
    changed = ["anomaly_rule.changed"]
    register("anomaly-rule", rows_have_entries("anomaly_rule", AnomalyRuleChange.id, changed))
    register("anomaly-rule-entries", entries_have_rows("anomaly_rule", AnomalyRuleChange.id, changed))
