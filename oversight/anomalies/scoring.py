"""What is unusual, and how much: pure functions of what was measured and a rule's figures.

A score is between 0 and 100: half of the rule's weight when its figure is just reached, all of it at ten times as much,
by the logarithm between. More of what is measured never scores less.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Figures = Mapping[str, int]
LONG_KEY = 15
LONGEST_KEY = 64
SHORTEST_RUN, FARTHEST_NEIGHBOUR = 5, 2

EXPLANATION_MESSAGES = {
    "volume.calls": "On {day} there were {value} calls under this grant. On a usual day there are {usual}, on the"
    " busiest of the days before there were {busiest}; more than {limit} are unusual for it.",
    "volume.rows": "On {day} {value} rows left under this grant. On a usual day there are {usual}, on the busiest of"
    " the days before there were {busiest}; more than {limit} are unusual for it.",
    "volume.first_calls": "On {day} there were {value} calls under this grant, which was used on too few days before to"
    " compare with. More than {limit} are unusual for such a grant.",
    "volume.first_rows": "On {day} {value} rows left under this grant, which was used on too few days before to compare"
    " with. More than {limit} are unusual for such a grant.",
    "hour": "On {day} there were {value} calls outside the working hours ({from_hour}:00 to {to_hour}:00 on working"
    " days). Of the calls of the days before, {usual} % were.",
    "keys.in_order": "On {day} {value} different keys were looked up. {percent} % of them follow one another in order,"
    " as when a list is tried through.",
    "keys.runs": "On {day} {runs} of {value} different keys that were looked up stand in runs of neighbours, as when"
    " parts of a list are tried through among other calls.",
    "keys.missed": "On {day} {value} different keys were looked up. {percent} % of the calls found nothing, as when"
    " keys are guessed.",
    "keys.slow": "From {since} to {until} {value} different keys were looked up that found nothing. {runs} of them"
    " stand in runs of neighbours, as when a list is tried through a few keys a day.",
    "refused": "{value} calls in a row were refused, and none in between was allowed, from {since} to {until}.",
    "matter.stretched": "On {day} {value} calls stated one and the same case. On the days before there were at most"
    " {usual} a day for one case; more than {limit} are unusual.",
    "matter.strange": "On {day} {value} calls stated a case whose number is written as in no call under this grant"
    " before.",
    "matter.purpose": "On {day} {value} calls were refused because they stated another purpose than the grant's.",
    "unused": "The grant has been in force for {value} days, and nothing has left under it.",
    "places.new": "The account was used from a network that it was never used from before. It has {usual} usual ones.",
    "places": "The account was used from two networks by turns: {value} changes within a day, the quickest after"
    " {minutes} minutes.",
}
"""Sentences by what was found; their places are filled with what was measured."""


@dataclass(frozen=True, slots=True)
class Unusual:
    """Something unusual: its name in ``EXPLANATION_MESSAGES``, the score, what was measured."""

    name: str
    score: int
    measured: Mapping[str, int]


def graded(value: float, limit: float, weight: int) -> int:
    """The score of a value that reaches its limit.

    Args:
        value: what was measured.
        limit: from where on it is unusual.
        weight: of the rule, in per cent.
    """
    times = max(value / max(limit, 1), 1.0)
    return round(weight * (0.5 + 0.5 * min(1.0, math.log10(times))))


def volume(calls: int, rows: int, before: Sequence[tuple[int, int]], figures: Figures) -> Unusual | None:
    """A grant's day beside its own days before.

    Args:
        calls, rows: of the day.
        before: calls and rows of each day before on which it was used, as far as it is compared with.
    """
    if len(before) < figures["history_days"]:
        found = [_without_history("first_calls", calls, figures), _without_history("first_rows", rows, figures)]
    else:
        found = [
            _above("calls", calls, [day[0] for day in before], figures),
            _above("rows", rows, [day[1] for day in before], figures),
        ]
    return max((each for each in found if each), key=lambda each: each.score, default=None)


def _without_history(what: str, value: int, figures: Figures) -> Unusual | None:
    limit = figures[what]
    if value <= limit:
        return None
    return Unusual(f"volume.{what}", graded(value, limit, figures["weight"]), {"value": value, "limit": limit})


def _above(what: str, value: int, before: Sequence[int], figures: Figures) -> Unusual | None:
    usual, busiest = median(before), max(before)
    limit = math.ceil(max(figures[what], figures["factor"] * usual, figures["busiest"] * busiest))
    if value <= limit:
        return None
    measured = {"value": value, "usual": round(usual), "busiest": busiest, "limit": limit}
    return Unusual(f"volume.{what}", graded(value, limit, figures["weight"]), measured)


def hour(outside: int, before: int, before_outside: int, before_days: int, figures: Figures) -> Unusual | None:
    """Calls of a day outside the working hours, where the days before had next to none.

    Args:
        outside: the day's calls outside the working hours.
        before, before_outside, before_days: calls of the days before, those outside, and days with use.
    """
    if before_days < figures["history_days"] or outside < figures["calls"]:
        return None
    percent = 100 * before_outside / max(before, 1)
    if percent > figures["usual_percent"]:
        return None
    hours = {name: figures[name] for name in ("from_hour", "to_hour")}
    score = graded(outside, figures["calls"], figures["weight"])
    return Unusual("hour", score, {"value": outside, "usual": round(percent), **hours})


def keys(calls: Sequence[tuple[str, bool]], figures: Figures) -> Unusual | None:
    """Many different keys of which most follow one another, many stand in runs, or most are not found.

    Args:
        calls: of each look-up its key and whether it found rows.
    """
    different = {key for key, _ in calls}
    if len(different) < figures["keys"]:
        return None
    in_order = round(100 * in_order_share(different))
    missed = round(100 * sum(not hit for _, hit in calls) / len(calls))
    runs = in_runs(different)
    if in_order >= figures["in_order_percent"]:
        name, percent = "keys.in_order", in_order
    elif missed >= figures["missed_percent"]:
        name, percent = "keys.missed", missed
    elif runs >= figures["in_runs"]:
        score = graded(runs, figures["in_runs"], figures["weight"])
        return Unusual("keys.runs", score, {"value": len(different), "runs": runs, "calls": len(calls)})
    else:
        return None
    score = graded(len(different), figures["keys"], figures["weight"])
    return Unusual(name, score, {"value": len(different), "percent": percent, "calls": len(calls)})


def keys_of_a_month(missed: set[str], figures: Figures) -> Unusual | None:
    """Many keys in runs of neighbours among those that found nothing; people's own keys, found or not, make no runs."""
    runs = in_runs(missed) if len(missed) >= figures["slow_runs"] else 0
    if runs < figures["slow_runs"]:
        return None
    score = graded(runs, figures["slow_runs"], figures["weight"])
    return Unusual("keys.slow", score, {"value": len(missed), "runs": runs})


def in_order_share(different: set[str]) -> float:
    """How many of the keys have the next one among them, 0.0 to 1.0."""
    followed = max(sum(number + 1 in numbers for number in numbers) for numbers in _readings(different))
    return followed / max(len(different) - 1, 1)


def in_runs(different: set[str]) -> int:
    """How many of the keys stand in runs of at least 5 whose neighbours are 1 or 2 apart: 2, since the sequence numbers
    of men alone are odd (GB 11643)."""
    return max(_in_runs(sorted(numbers)) for numbers in _readings(different))


def _in_runs(numbers: Sequence[int]) -> int:
    total, length = 0, 1
    for before, number in itertools.pairwise([*numbers, math.inf]):
        if number - before <= FARTHEST_NEIGHBOUR:
            length += 1
        else:
            total += length if length >= SHORTEST_RUN else 0
            length = 1
    return total


def _readings(different: set[str]) -> tuple[set[int], ...]:
    """Keys as numbers of letters and digits; long ones also without their last one or two characters, the check digits
    of numbers of people and organisations (GB 11643, GB 32100)."""
    plain = {"".join(c for c in key if c.isascii() and c.isalnum()) for key in different}
    long = [key for key in plain if len(key) >= LONG_KEY]
    readings = (plain, {key[:-1] for key in long}, {key[:-2] for key in long})
    return tuple({int(key[:LONGEST_KEY], 36) for key in reading if key} for reading in readings)


def refused(in_a_row: int, figures: Figures) -> Unusual | None:
    """Refusals of one account in a row."""
    if in_a_row < figures["calls"]:
        return None
    return Unusual("refused", graded(in_a_row, figures["calls"], figures["weight"]), {"value": in_a_row})


def stretched(calls: int, most_before: int, figures: Figures) -> Unusual | None:
    """One case stated on very many calls of a day.

    Args:
        calls: of the day, for the case that most of them state.
        most_before: the same of the busiest of the days before.
    """
    limit = max(figures["calls"], figures["factor"] * most_before)
    if calls <= limit:
        return None
    score = graded(calls, limit, figures["weight"])
    return Unusual("matter.stretched", score, {"value": calls, "usual": most_before, "limit": limit})


def strange(calls: int, days_before: int, figures: Figures) -> Unusual | None:
    """Calls of a day that state a case in a form that no day before had."""
    if days_before < figures["history_days"] or calls < figures["strange"]:
        return None
    return Unusual("matter.strange", graded(calls, figures["strange"], figures["weight"]), {"value": calls})


def other_purpose(calls: int, figures: Figures) -> Unusual | None:
    """Calls of a day that stated another purpose than the grant's; the door refused them."""
    if calls < figures["other_purpose"]:
        return None
    return Unusual("matter.purpose", graded(calls, figures["other_purpose"], figures["weight"]), {"value": calls})


def unused(days: int, figures: Figures) -> Unusual | None:
    """A grant that is in force and that nobody uses."""
    if days < figures["days"]:
        return None
    return Unusual("unused", graded(days, figures["days"], figures["weight"]), {"value": days})


def places(gaps: Sequence[int], figures: Figures) -> Unusual | None:
    """An account that goes from one network to another and back.

    Args:
        gaps: seconds between the last use in one place and the first in the other, for each change of a day that
            involves a place which is not usual for the account.
    """
    quick = [gap for gap in gaps if gap <= 60 * figures["minutes"]]
    if len(quick) < figures["changes"]:
        return None
    score = graded(len(quick), figures["changes"], figures["weight"])
    return Unusual("places", score, {"value": len(quick), "minutes": min(quick) // 60})


def new_place(usual: int, figures: Figures) -> Unusual | None:
    """An account used from a network for the first time.

    Args:
        usual: its usual networks; without any, none is strange.
    """
    if not usual or not figures["new_weight"]:
        return None
    return Unusual("places.new", graded(1, 1, figures["new_weight"]), {"usual": usual})
