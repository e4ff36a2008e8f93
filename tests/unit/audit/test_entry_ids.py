"""Ids of entries: UUIDs of version 7 that sort as their moments do."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit.append import entry_id

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_an_id_is_of_version_7_and_states_its_millisecond(moment: datetime) -> None:
    made = entry_id(moment)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@given(MOMENTS, st.integers(1, 5_000))
def test_later_entries_sort_behind_earlier_ones(moment: datetime, microseconds: int) -> None:
    assert entry_id(moment) < entry_id(moment + timedelta(microseconds=microseconds))


def test_two_of_one_moment_differ() -> None:
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    assert len({entry_id(moment) for _ in range(1_000)}) == 1_000
