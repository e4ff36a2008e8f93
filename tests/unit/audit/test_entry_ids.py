"""Ids of entries: UUIDs of version 7 that sort as their moments do."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit.append import entry_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2**53).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))


@given(MOMENTS)
def test_an_id_is_of_version_7_and_states_its_millisecond(moment: datetime) -> None:
    made = entry_id(moment)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == (moment - EPOCH) // timedelta(milliseconds=1)


@given(MOMENTS, st.integers(1, 5_000))
def test_later_entries_sort_behind_earlier_ones(moment: datetime, microseconds: int) -> None:
    assert entry_id(moment) < entry_id(moment + timedelta(microseconds=microseconds))


def test_two_of_one_moment_differ() -> None:
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    assert len({entry_id(moment) for _ in range(1_000)}) == 1_000
