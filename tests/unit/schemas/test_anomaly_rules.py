"""The rules for anomalies as they come with the release."""

from oversight.anomalies.scoring import EXPLANATION_MESSAGES
from schemas.anomaly_rules import Rule, anomaly_rules
from schemas.contracts import validate
from schemas.packaged import read_json


def test_the_file_keeps_to_its_contract_and_has_every_rule() -> None:
    assert validate("anomaly-rules", read_json("anomalies", "rules")) == []
    assert set(anomaly_rules().rules) == set(Rule)
    assert {name.partition(".")[0] for name in EXPLANATION_MESSAGES} == {rule.value for rule in Rule}


def test_figures_lie_within_their_own_bounds() -> None:
    figures = [figure for rule in anomaly_rules().rules.values() for figure in rule.figures.values()]
    assert [each for each in figures if not each.least <= each.value <= each.most] == []
