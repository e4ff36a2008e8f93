"""Figures beside their limits: when a goal is met, and how it is written down."""

import json
from pathlib import Path

import pytest

from bench.figures import Figure, table, write


@pytest.mark.parametrize(("value", "met"), [(49.9, False), (50.0, True), (80.0, True)])
def test_a_rate_is_met_from_its_share_of_the_limit_on(value: float, met: bool) -> None:
    figure = Figure.beside("ingest", value, "rows/s", 100.0, 0.5)
    assert figure.ratio == pytest.approx(value / 100)
    assert figure.met is met


@pytest.mark.parametrize(("value", "met"), [(8.1, False), (8.0, True), (2.0, True)])
def test_a_time_is_met_up_to_its_goal(value: float, met: bool) -> None:
    figure = Figure.at_most("delivery", value, "s", 8.0)
    assert figure.limit is None
    assert figure.ratio is None
    assert figure.met is met


def test_a_pace_is_met_from_its_goal_on_and_what_is_only_told_is_never_missed() -> None:
    reached, missed = Figure.at_least("proofs", 1_000.0, "1/s", 1_000), Figure.at_least("proofs", 999.0, "1/s", 1_000)
    assert (reached.met, missed.met, Figure.told("size", 9.0, "bytes").met) == (True, False, True)
    assert [line.split()[-2:] for line in table([reached, missed])[1:]] == [[">=", "1000"]] * 2


def test_results_name_everything_that_was_promised(tmp_path: Path) -> None:
    figures = [Figure.beside("ingest", 60.0, "rows/s", 100.0, 0.5), Figure.at_most("delivery", 9.0, "s", 8.0)]
    write(figures, tmp_path / "bench" / "results.json")
    written = json.loads((tmp_path / "bench" / "results.json").read_text())
    assert [set(entry) for entry in written] == [{"name", "value", "unit", "limit", "ratio", "goal", "met"}] * 2
    assert [line.split()[0] for line in table(figures)[1:]] == ["met", "MISSED"]
