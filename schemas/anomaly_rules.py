"""The rules by which unusual use is found: their figures as dated data (R48 names volume, hour and key enumeration).

No document sets a figure; all are ours, marked so in the file, and a site adjusts them in the portal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.packaged import read_json


class Rule(StrEnum):
    """What is looked for."""

    VOLUME = "volume"
    HOUR = "hour"
    KEYS = "keys"
    REFUSED = "refused"
    MATTER = "matter"
    UNUSED = "unused"
    PLACES = "places"


@dataclass(frozen=True, slots=True)
class RuleFigure:
    """A whole number that a rule compares with, and between which bounds a site may set it."""

    value: int
    least: int
    most: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class PackagedRule:
    """One rule as it comes with the release."""

    rule: Rule
    figures: Mapping[str, RuleFigure]

    @property
    def values(self) -> dict[str, int]:
        """The figures' values by name."""
        return {name: figure.value for name, figure in self.figures.items()}


@dataclass(frozen=True, slots=True)
class AnomalyRules:
    """All rules of the release; ``ours`` says that no document sets their figures."""

    key: str
    adopted_from: date
    ours: bool
    note_zh: str
    note_en: str
    rules: Mapping[Rule, PackagedRule]


@cache
def anomaly_rules() -> AnomalyRules:
    """The rules that come with the release."""
    body = read_json("anomalies", "rules")
    return AnomalyRules(
        key=body["key"],
        adopted_from=date.fromisoformat(body["adopted_from"]),
        ours=body["ours"],
        note_zh=body["note_zh"],
        note_en=body["note_en"],
        rules=MappingProxyType({Rule(name): _rule(Rule(name), rule) for name, rule in body["rules"].items()}),
    )


def _rule(rule: Rule, body: Mapping[str, Any]) -> PackagedRule:
    figures = {name: RuleFigure(**figure) for name, figure in body["figures"].items()}
    return PackagedRule(rule, MappingProxyType(figures))
