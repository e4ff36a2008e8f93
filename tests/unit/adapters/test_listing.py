"""Counts of a list: each facet as far as the choices in the others let it be."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from adapters.listing import Counted

ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])), max_size=30)
CHOSEN = st.fixed_dictionaries({}, optional={"one": st.lists(st.sampled_from("abc")), "two": st.just(["x"])})


def counted(rows: Sequence[tuple[str, str]]) -> Counted:
    return Counted(("one", "two"), [(row, rows.count(row)) for row in dict.fromkeys(rows)])


@given(rows=ROWS, chosen=CHOSEN)
def test_counts_are_those_of_the_rows(rows: list[tuple[str, str]], chosen: dict[str, list[str]]) -> None:
    fits_two = [row for row in rows if not chosen.get("two") or row[1] in chosen["two"]]
    fits = [row for row in fits_two if not chosen.get("one") or row[0] in chosen["one"]]
    assert counted(rows).total(chosen) == len(fits)
    assert {k: v for k, v in counted(rows).by("one", chosen).items() if v} == {
        value: sum(row[0] == value for row in fits_two) for value in {row[0] for row in fits_two}
    }


def test_a_row_without_a_value_is_counted_in_no_option() -> None:
    assert counted([("a", ""), ("a", "x")]).by("two", {}) == {"x": 1}
