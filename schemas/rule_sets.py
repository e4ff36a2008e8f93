"""Rule sets: the figures, steps, share types and bases of one governing document, as dated data.

``legal_validity`` is shown; ``adopted_from`` and ``adopted_to`` govern. A case stays under the rule set of the day it
began. A figure that nobody could compare with its text has ``verified`` false and is flagged wherever it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.packaged import names, read_json
from schemas.words import BasisKind, ShareAttribute


class Unit(StrEnum):
    """What a figure counts."""

    WORKING_DAYS = "WORKING_DAYS"
    DAYS = "DAYS"
    YEARS = "YEARS"
    PER_YEAR = "PER_YEAR"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number a document sets, with the article that sets it and the event it counts from."""

    value: int
    unit: Unit
    article: str | None
    verified: bool
    starts_at: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Step:
    """Whether a regime has a step; ``ours`` marks what is our reading and not the document's words."""

    on: bool
    article: str | None
    verified: bool
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Bases:
    """The kinds of document that something may rest on under a regime."""

    kinds: frozenset[BasisKind]
    article: str | None
    verified: bool


@dataclass(frozen=True, slots=True)
class LegalValidity:
    """When the document is or was law; None for an open end."""

    since: date
    until: date | None
    note_zh: str
    note_en: str

    def covers(self, day: date) -> bool:
        """Whether the document is law on that day."""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One governing document, as far as software follows it."""

    key: str
    document: str
    title_zh: str
    title_en: str
    issued: date
    legal_validity: LegalValidity
    adopted_from: date | None
    adopted_to: date | None
    share_attributes: Mapping[ShareAttribute, tuple[str, str]]
    no_sharing: Bases
    refusal: Bases
    steps: Mapping[str, Step]
    figures: Mapping[str, Figure]

    @property
    def no_sharing_bases(self) -> frozenset[BasisKind]:
        """What a NO_SHARING classification may rest on ([M] Art. 8)."""
        return self.no_sharing.kinds

    @property
    def refusal_bases(self) -> frozenset[BasisKind]:
        """What the refusal of a request may rest on, narrower than the above ([M] Art. 14)."""
        return self.refusal.kinds

    def step(self, name: str) -> bool:
        """Whether the regime has the step.

        Raises:
            KeyError: no such step is known.
        """
        return self.steps[name].on

    def figure(self, name: str) -> Figure:
        """A figure of the regime.

        Raises:
            KeyError: the regime sets none of this name.
        """
        return self.figures[name]

    def has_figure(self, name: str) -> bool:
        """Whether the regime sets a figure of this name."""
        return name in self.figures

    def adopted_on(self, day: date) -> bool:
        """Whether the platform applies the rule set to cases that begin on that day."""
        return _within(day, self.adopted_from, self.adopted_to)


@cache
def rule_sets() -> tuple[RuleSet, ...]:
    """All rule sets that come with the release."""
    return tuple(_from_mapping(read_json("rules", name)) for name in names("rules"))


def rule_set(key: str) -> RuleSet:
    """The rule set of a key.

    Raises:
        KeyError: there is none.
    """
    for candidate in rule_sets():
        if candidate.key == key:
            return candidate
    raise KeyError(key)


def rule_set_for(day: date, adopted: Mapping[str, tuple[date, date | None]] | None = None) -> RuleSet:
    """The rule set that governs a case that begins on ``day``: of those adopted then, the one adopted last.

    Args:
        day: the day the case begins, by the case clock.
        adopted: adoptions decided by officials, key to first and last day; they replace those in the files.

    Raises:
        LookupError: none is adopted on that day.
        KeyError: ``adopted`` names an unknown key.
    """
    if adopted is None:
        spans = {rules.key: (rules.adopted_from, rules.adopted_to) for rules in rule_sets()}
    else:
        spans = dict(adopted)
    started = [(since, key) for key, (since, until) in spans.items() if since and _within(day, since, until)]
    if not started:
        raise LookupError(f"No rule set is adopted on {day}. Adopt one for that day.")
    return rule_set(max(started)[1])


def _within(day: date, since: date | None, until: date | None) -> bool:
    return since is not None and since <= day and (until is None or day <= until)


def _from_mapping(body: Mapping[str, Any]) -> RuleSet:
    validity = body["legal_validity"]
    labels = {ShareAttribute(name): (label["zh"], label["en"]) for name, label in body["share_attributes"].items()}
    return RuleSet(
        key=body["key"],
        document=body["document"],
        title_zh=body["title_zh"],
        title_en=body["title_en"],
        issued=date.fromisoformat(body["issued"]),
        legal_validity=LegalValidity(
            date.fromisoformat(validity["from"]), _day(validity["to"]), validity["note_zh"], validity["note_en"]
        ),
        adopted_from=_day(body["adopted_from"]),
        adopted_to=_day(body["adopted_to"]),
        share_attributes=MappingProxyType(labels),
        no_sharing=_bases(body["no_sharing_bases"]),
        refusal=_bases(body["refusal_bases"]),
        steps=MappingProxyType({name: Step(**step) for name, step in body["steps"].items()}),
        figures=MappingProxyType({name: _figure(figure) for name, figure in body["figures"].items()}),
    )


def _figure(body: Mapping[str, Any]) -> Figure:
    return Figure(**{**body, "unit": Unit(body["unit"])})


def _bases(body: Mapping[str, Any]) -> Bases:
    return Bases(frozenset(BasisKind(kind) for kind in body["kinds"]), body["article"], body["verified"])


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
