"""Scores: a planted misuse is found, a steady user never is, and more never scores less."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oversight.anomalies import scoring
from oversight.anomalies.scoring import Unusual
from schemas.anomaly_rules import Rule, anomaly_rules
from schemas.identifiers import credit_code

FIGURES = {rule: packaged.values for rule, packaged in anomaly_rules().rules.items()}
COUNTS = st.integers(0, 10_000)


def score(found: Unusual | None) -> int:
    return found.score if found else 0


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(1, 10**6), st.integers(1, 100))
def test_more_never_scores_less_and_scores_keep_their_bounds(a: float, b: float, limit: int, weight: int) -> None:
    less, more = sorted((a, b))
    assert 0 <= scoring.graded(less, limit, weight) <= scoring.graded(more, limit, weight) <= weight


def test_a_score_is_half_the_weight_at_the_limit_and_all_of_it_at_ten_times_as_much() -> None:
    assert [scoring.graded(value, 20, 80) for value in (20, 200, 2_000)] == [40, 80, 80]


@given(st.integers(1, 5_000), st.lists(st.integers(80, 120), min_size=5, max_size=31), st.integers(80, 120))
def test_a_steady_day_is_no_unusual_volume(level: int, before: list[int], today: int) -> None:
    days = [(level * percent // 100 + 1, level * percent) for percent in before]
    calls, rows = level * today // 100 + 1, level * today
    assert scoring.volume(calls, rows, days, FIGURES[Rule.VOLUME]) is None


@given(st.integers(1, 500), st.integers(6, 200), COUNTS)
def test_a_planted_volume_is_found_and_more_of_it_scores_no_less(usual: int, times: int, more: int) -> None:
    figures, before = FIGURES[Rule.VOLUME], [(usual, 0)] * 10
    calls = max(50, usual * times) + 1
    found = scoring.volume(calls, 0, before, figures)
    assert found is not None
    assert found.name == "volume.calls"
    assert score(scoring.volume(calls + more, 0, before, figures)) >= found.score


def test_a_grant_without_a_history_of_its_own_is_judged_by_plain_figures() -> None:
    figures = FIGURES[Rule.VOLUME]
    assert scoring.volume(10_000, 10**6, [(1, 1)] * 4, figures) is None
    found = [scoring.volume(*day, [(1, 1)] * 4, figures) for day in ((10_001, 0), (1, 10**6 + 1))]
    assert [each and each.name for each in found] == ["volume.first_calls", "volume.first_rows"]
    assert score(scoring.volume(10**6, 0, [], figures)) > score(found[0])


@pytest.mark.parametrize("step", [1, 2])
def test_parts_of_a_list_tried_through_among_other_calls_are_found(step: int) -> None:
    others = [(f"{number * 7_919}", True) for number in range(970)]
    listed = [(f"31010119900101{number:03d}{number % 10}", True) for number in range(100, 100 + 30 * step, step)]
    found = scoring.keys(others + listed, FIGURES[Rule.KEYS])
    assert found is not None
    assert (found.name, found.measured["runs"]) == ("keys.runs", 30)
    assert scoring.keys(others + listed[:24], FIGURES[Rule.KEYS]) is None


def test_pairs_and_fours_of_neighbours_are_no_runs() -> None:
    keys = [f"{number * 100 + offset}" for number in range(200) for offset in range(4)]
    assert scoring.in_runs(set(keys)) == 0


def test_a_network_never_used_before_is_strange_to_an_account_with_usual_ones() -> None:
    figures = FIGURES[Rule.PLACES]
    found = scoring.new_place(2, figures)
    assert found is not None
    assert (found.name, found.score, found.measured) == ("places.new", 15, {"usual": 2})
    assert scoring.new_place(0, figures) is None
    assert scoring.new_place(2, {**figures, "new_weight": 0}) is None


def test_a_weekly_load_is_steady() -> None:
    before = [(10, 10), (10, 10), (10, 10), (10, 10), (10, 5_000)] * 4
    assert scoring.volume(10, 6_000, before, FIGURES[Rule.VOLUME]) is None


@given(COUNTS, COUNTS, st.integers(5, 31), st.integers(0, 100))
def test_who_works_at_night_as_a_rule_is_not_found(outside: int, before: int, days: int, percent: int) -> None:
    found = scoring.hour(outside, before, before * percent // 100, days, FIGURES[Rule.HOUR])
    assert found is None or (outside >= 3 and before * percent // 100 <= max(before, 1) * 5 / 100)


@given(st.integers(3, 10_000), COUNTS)
def test_night_calls_of_a_day_worker_are_found(outside: int, more: int) -> None:
    found = scoring.hour(outside, 200, 0, 10, FIGURES[Rule.HOUR])
    assert found is not None
    assert score(scoring.hour(outside + more, 200, 0, 10, FIGURES[Rule.HOUR])) >= found.score
    assert scoring.hour(outside, 8, 0, 4, FIGURES[Rule.HOUR]) is None


def lookups(keys: list[str], *, hit: bool = True) -> list[tuple[str, bool]]:
    return [(key, hit) for key in keys]


@pytest.mark.parametrize(
    "keys",
    [
        [f"3101012020{number:05d}" for number in range(200)],
        [credit_code.make("9", "1", "310000", f"{70_000_000 + number}") for number in range(200)],
        [f"办件 {number}" for number in range(200)],
    ],
)
def test_keys_tried_through_in_order_are_found(keys: list[str]) -> None:
    found = scoring.keys(lookups(keys), FIGURES[Rule.KEYS])
    assert found is not None
    assert (found.name, found.measured["value"]) == ("keys.in_order", 200)


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_keys_as_people_come_are_not_found(seed: int) -> None:
    """Numbers far apart, as those of people who happen to come to a counter."""
    keys = [credit_code.make("9", "1", "310000", f"{(seed + number * 7_654_321) % 10**8:08d}") for number in range(120)]
    assert scoring.keys(lookups(keys), FIGURES[Rule.KEYS]) is None
    assert scoring.keys(lookups(keys[:99], hit=False), FIGURES[Rule.KEYS]) is None


def test_guessed_keys_are_found_by_what_they_miss() -> None:
    keys = [f"{number * 7_919:08d}" for number in range(150)]
    found = scoring.keys(lookups(keys[:20]) + lookups(keys[20:], hit=False), FIGURES[Rule.KEYS])
    assert found is not None
    assert (found.name, found.measured["percent"]) == ("keys.missed", 87)


@pytest.mark.parametrize("a_day", [3, 30])
def test_a_list_tried_through_slowly_is_found_by_what_it_misses(a_day: int) -> None:
    """A few numbers a day of those born on one day in one place, of which every tenth is somebody's."""
    tried = {f"31010119900307{number:03d}0" for number in range(30 * a_day) if number % 10}
    found = scoring.keys_of_a_month(tried, FIGURES[Rule.KEYS])
    assert found is not None
    assert found.measured == {"value": 27 * a_day, "runs": 27 * a_day}
    more = scoring.keys_of_a_month(tried | {f"31010119910307{number:03d}0" for number in range(50)}, FIGURES[Rule.KEYS])
    assert score(more) >= found.score


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_heavy_user_who_asks_for_people_that_are_not_there_is_not_found(seed: int) -> None:
    """3,000 people of one place, as they come to a counter; most are not in the register, as in one of offenders."""
    chosen = random.Random(seed)
    born = [date(1940, 1, 1) + timedelta(days=chosen.randrange(25_000)) for _ in range(3_000)]
    keys = {f"310101{day:%Y%m%d}{chosen.randrange(1_000):03d}{chosen.randrange(10)}" for day in born}
    assert scoring.keys_of_a_month(keys, FIGURES[Rule.KEYS]) is None


@given(st.sets(st.text(max_size=80), max_size=50))
def test_any_keys_can_be_judged(keys: set[str]) -> None:
    assert 0 <= scoring.in_order_share(keys) <= 1


@pytest.mark.parametrize(
    ("judge", "reached"),
    [
        (lambda value: scoring.refused(value, FIGURES[Rule.REFUSED]), 10),
        (lambda value: scoring.stretched(value, 0, FIGURES[Rule.MATTER]), 51),
        (lambda value: scoring.stretched(value, 40, FIGURES[Rule.MATTER]), 121),
        (lambda value: scoring.strange(value, 10, FIGURES[Rule.MATTER]), 3),
        (lambda value: scoring.other_purpose(value, FIGURES[Rule.MATTER]), 3),
        (lambda value: scoring.unused(value, FIGURES[Rule.UNUSED]), 90),
        (lambda value: scoring.places([60] * value, FIGURES[Rule.PLACES]), 2),
    ],
)
def test_counts_are_unusual_from_their_figure_on_and_score_more_with_more(judge: Any, reached: int) -> None:
    assert judge(reached - 1) is None
    scores = [score(judge(value)) for value in range(reached, reached * 3)]
    assert scores == sorted(scores)
    assert scores[0] > 0


def test_slow_moves_between_places_are_nothing() -> None:
    assert scoring.places([1801] * 20, FIGURES[Rule.PLACES]) is None
    found = scoring.places([1801, 90, 1800], FIGURES[Rule.PLACES])
    assert found is not None
    assert found.measured == {"value": 2, "minutes": 1}


def test_strange_writing_needs_days_to_compare_with() -> None:
    assert scoring.strange(100, 4, FIGURES[Rule.MATTER]) is None
