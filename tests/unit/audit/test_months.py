"""Months of the partitions, as their names say."""

from datetime import UTC, datetime

from audit.months import Months, ended_before

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_month_has_ended_when_the_next_began() -> None:
    present = ("2025-12", "2026-10", "2026-11", "2027-01")
    assert [*ended_before(Months(present, (), 0), NOW)] == ["2025-12", "2026-10"]
    assert [*ended_before(Months(present, (), 0), datetime(2026, 1, 1, tzinfo=UTC))] == ["2025-12"]


def test_a_planted_partition_that_is_of_no_month_stops_nobody() -> None:
    planted = ("0000-01", "2025-00", "2025-13", "9999-12", "9999-99", "\u0662\u0660\u0662\u0665-01", "2025-1\n", "x")
    assert [*ended_before(Months((*planted, "2025-01"), (), 0), NOW)] == ["2025-01"]
    assert [*ended_before(Months(("9999-12",), (), 0), datetime.max.replace(tzinfo=UTC))] == []
