"""The report of the demo: steps kept in place, read back, shown as a table that lines up."""

from pathlib import Path

from portal.demo.report import Report, StepReport, table


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    report = Report(steps=[StepReport("1.1", "唐杰", "好", True, 0.5, 12)], seconds=0.5, start_seconds=3.0)
    report.write(tmp_path)
    assert Report.read(tmp_path) == report
    assert Report.read(tmp_path / "elsewhere") == Report()


def test_a_step_played_again_takes_its_own_place() -> None:
    report = Report(steps=[StepReport("1.1", "a", "broke", False, 1.0), StepReport("1.2", "b", "fine", True, 1.0)])
    assert not report.done("1.1")
    report.put(StepReport("1.1", "a", "fine", True, 2.0))
    assert report.done("1.1")
    assert [step.name for step in report.steps] == ["1.2", "1.1"]


def test_columns_line_up_though_chinese_characters_are_wide() -> None:
    steps = [
        StepReport("1.1 一步", "市民政局", "好" * 200, True, 1.25),
        StepReport("1.2 step", "somebody", "two\nlines", False, 100.0),
    ]
    head, first, second = table(steps)
    assert first.endswith("1.2")
    assert "two lines" in second
    assert "…" in first
    shown = [sum(2 if ord(character) > 0x2E80 else 1 for character in line) for line in (head, second)]
    assert shown[0] >= shown[1] - len("seconds")
