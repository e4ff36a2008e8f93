"""When the log counts as late, and when nothing may leave because of it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.clock import system_now
from audit import standing
from audit.standing import Standing

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _grace() -> Iterator[None]:
    standing.configure(600)
    yield
    standing.configure(600)


def test_a_log_that_nothing_waits_for_is_not_behind() -> None:
    assert standing.standing(None, None) == Standing(timedelta(0), timedelta(minutes=10))
    assert standing.standing(None, system_now() - HOUR).behind == timedelta(0)


def test_waiting_and_a_clock_that_went_back_both_count() -> None:
    now = system_now()
    assert standing.standing(now - HOUR, now - 2 * HOUR).stopped
    assert standing.standing(None, now + HOUR).stopped
    assert standing.standing(now, now + HOUR).stopped
    assert not standing.standing(now - timedelta(minutes=2), now).stopped
    assert standing.standing(now - timedelta(minutes=2), now).late


@given(behind=st.timedeltas(timedelta(0), timedelta(days=9)), grace=st.integers(1, 1_000_000))
def test_who_is_stopped_was_warned(behind: timedelta, grace: int) -> None:
    found = Standing(behind, timedelta(seconds=grace))
    assert found.late or not found.stopped
