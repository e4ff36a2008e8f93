"""What the rules remember: runs of refusals, places by turns, how cases are written."""

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Terminal
from oversight.anomalies import memory, places
from oversight.anomalies.memory import Memory, Use
from schemas.anomaly_rules import Rule, anomaly_rules

FIGURES = {rule: packaged.values for rule, packaged in anomaly_rules().rules.items()}
START = datetime(2026, 11, 2, 2, tzinfo=UTC)
GRANT = uuid.uuid4()


def use(minutes: float = 0, **changes: Any) -> Use:
    values = {"kind": "release.completed", "outcome": "DONE", "account": "client/c1", "agency_code": "A", "matter": ""}
    return Use(uuid.uuid4(), START + timedelta(minutes=minutes), **{"grant_id": GRANT} | values | changes)


def refused(minutes: float = 0, **changes: Any) -> Use:
    return use(minutes, kind="release.refused", outcome="REFUSED", **changes)


def run_of(uses: list[Use]) -> int:
    known: Memory = {}
    runs = [memory.refusals(known, each, FIGURES[Rule.REFUSED]) for each in uses]
    json.dumps(known)
    return runs[-1]["count"] if runs and runs[-1] else 0


@given(st.lists(st.booleans(), max_size=60))
def test_a_run_is_what_was_refused_since_the_last_allowed(allowed: list[bool]) -> None:
    uses = [use(minute) if ok else refused(minute) for minute, ok in enumerate(allowed)]
    expected = allowed[::-1].index(True) if True in allowed else len(allowed)
    assert run_of(uses) == expected


def test_signing_in_breaks_no_run_and_a_long_pause_does() -> None:
    signed_in = use(2, kind="account.signed_in")
    assert run_of([refused(1), signed_in, refused(3)]) == 2
    assert run_of([refused(1), refused(2), refused(2 + 24 * 60 + 1)]) == 1


def test_a_run_keeps_its_latest_entries_and_names_its_one_grant() -> None:
    known: Memory = {}
    for minute in range(50):
        run = memory.refusals(known, refused(minute), FIGURES[Rule.REFUSED])
    assert run is not None
    assert (run["count"], len(run["entries"]), run["grants"]) == (50, 20, [str(GRANT)])


def moved(*steps: tuple[float, str]) -> list[Memory]:
    known: Memory = {}
    found: list[Memory] = []
    for minutes, place in steps:
        found = memory.changes(known, use(minutes, place=place), FIGURES[Rule.PLACES])
    json.dumps(known)
    return found


@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_one_place_is_never_two(minutes: list[int]) -> None:
    assert moved(*((minute, "a") for minute in sorted(minutes))) == []


def test_to_and_fro_is_two_changes_with_their_gaps() -> None:
    found = moved((0, "a"), (5, "b"), (6, "a"))
    assert [(change["gap"], change["places"]) for change in found] == [(300, ["a", "b"]), (60, ["b", "a"])]


def test_places_in_use_for_a_week_are_usual() -> None:
    day, week = 24 * 60, 7 * 24 * 60
    both = ((0, "a"), (5, "b"), (day, "a"), (day + 5, "b"), (2 * day, "a"), (2 * day + 5, "b"))
    assert moved(*both, (week + 10, "a"), (week + 11, "b"), (week + 12, "a")) == []
    assert len(moved(*both, (week + 10, "a"), (week + 11, "c"), (week + 12, "a"))) == 2
    assert len(moved((0, "a"), (5, "b"), (week + 10, "a"), (week + 11, "b"), (week + 12, "a"))) == 3, "on too few days"


def test_a_place_remembered_before_its_days_were_counted_stays_usual() -> None:
    known: Memory = {"places": {"a": ["2026-01-01T00:00:00+00:00", "2026-11-01T00:00:00+00:00"]}}
    stranger = use(0, place="b")
    memory.changes(known, stranger, FIGURES[Rule.PLACES])
    assert memory.arrived(known, stranger, FIGURES[Rule.PLACES]) == 1


def test_the_first_use_from_a_place_is_told_once_and_not_of_a_new_account() -> None:
    known: Memory = {}
    told, day = [], 24 * 60
    for minutes, place in [
        (0, "a"),
        (day, "a"),
        (8 * day, "a"),
        (8 * day + 5, "b"),
        (8 * day + 9, "b"),
        (9 * day, "b"),
    ]:
        each = use(minutes, place=place)
        memory.changes(known, each, FIGURES[Rule.PLACES])
        told.append(memory.arrived(known, each, FIGURES[Rule.PLACES]))
    assert told == [0, 0, 0, 1, 0, 0]


def test_a_new_place_of_an_earlier_moment_than_all_that_are_remembered_is_remembered() -> None:
    known: Memory = {}
    for number in range(memory.MOST_PLACES):
        memory.changes(known, use(100 + number, place=f"p{number}"), FIGURES[Rule.PLACES])
    earlier = use(0, place="new")
    memory.changes(known, earlier, FIGURES[Rule.PLACES])
    assert memory.arrived(known, earlier, FIGURES[Rule.PLACES]) == 0, "none is usual yet"
    assert len(known["places"]) == memory.MOST_PLACES
    assert "new" in known["places"]
    assert "p0" not in known["places"], "of the others the one whose use is longest ago is forgotten"
    assert memory.arrived({}, earlier, FIGURES[Rule.PLACES]) == 0, "nor does a memory without it raise"


def test_a_strangers_tries_and_unknown_places_do_not_count() -> None:
    known: Memory = {}
    assert memory.changes(known, use(0, place=""), FIGURES[Rule.PLACES]) == []
    locked = use(1, place="x", kind="client.locked")
    assert memory.changes(known, locked, FIGURES[Rule.PLACES]) == []
    assert known == {}


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from([str(n) for n in range(40)]))))
def test_memory_stays_small(steps: list[tuple[int, str]]) -> None:
    known: Memory = {}
    for minutes, place in steps:
        memory.changes(known, use(minutes, place=place), FIGURES[Rule.PLACES])
    assert len(known.get("places", {})) <= memory.MOST_PLACES
    assert len(known.get("changes", [])) <= memory.MOST_ENTRIES


@pytest.mark.parametrize(
    ("matter", "form"), [("办件-2026-17", "文-9-9"), ("AB12c", "A9A"), ("税务 1", "文 9"), ("", "")]
)
def test_how_a_case_is_written(matter: str, form: str) -> None:
    assert memory.written(matter) == form


def test_a_new_way_of_writing_is_strange_on_its_first_day_alone() -> None:
    known: Memory = {}
    first, second = date(2026, 11, 2), date(2026, 11, 3)
    assert memory.strange_matters(known, use(matter="办件-1"), first) is None
    assert memory.strange_matters(known, use(matter="办件-2"), second) is None
    counts = [memory.strange_matters(known, use(matter=f"X{n}"), second) for n in range(3)]
    assert [counted and counted["count"] for counted in counts] == [1, 2, 3]
    assert memory.strange_matters(known, use(matter="X9"), second + timedelta(days=1)) is None


def test_where_cases_are_written_in_any_way_none_is_strange() -> None:
    known: Memory = {}
    for number in range(memory.MOST_FORMS):
        memory.strange_matters(known, use(matter="-" * number), date(2026, 11, 2))
    assert memory.strange_matters(known, use(matter="!"), date(2026, 11, 3)) is None


def test_the_busiest_case_of_the_days_before() -> None:
    known: Memory = {}
    day = date(2026, 11, 2)
    assert memory.most_before(known, 7, day) == 0
    assert memory.most_before(known, 3, day + timedelta(days=1)) == 7
    assert memory.most_before(known, 3, day + timedelta(days=31)) == 3


def test_a_place_is_told_apart_and_tells_nothing() -> None:
    places._secret.clear()
    with pytest.raises(Terminal):
        places.place_of("192.0.2.7")
    places.configure(b"one site")
    here = places.place_of("192.0.2.7")
    assert here == places.place_of("192.0.2.200") != places.place_of("192.0.3.7")
    assert places.place_of("2001:db8::1") == places.place_of("2001:db8:0:ff::2") != places.place_of("2001:db8:1::1")
    assert places.place_of("not an address") == ""
    assert "192" not in here
    places.configure(b"another site")
    assert places.place_of("192.0.2.7") != here
