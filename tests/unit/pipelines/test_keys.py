"""Repeated keys: the first row stays, every later one is found, whatever the cut and however little is remembered."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.keys import KeyWatch, reason, repeated_rows

KEY = st.tuples(st.sampled_from("abc"), st.integers(0, 4))
FIELDS = ("letter", "number")


def batch(keys: list[tuple[str, int]]) -> pa.RecordBatch:
    rows = [{"letter": letter, "number": number} for letter, number in keys]
    return pa.RecordBatch.from_pylist(rows, pa.schema([("letter", pa.string()), ("number", pa.int64())]))


def expected(keys: list[tuple[str, int]]) -> list[int]:
    return [place for place, key in enumerate(keys) if key in keys[:place]]


@given(st.lists(KEY, max_size=30), st.integers(0, 30))
def test_a_watch_finds_every_row_but_the_first_of_a_key(keys: list[tuple[str, int]], cut: int) -> None:
    watch = KeyWatch(FIELDS)
    found = watch.repeated(batch(keys[:cut]))
    found += [min(cut, len(keys)) + place for place in watch.repeated(batch(keys[cut:]))]
    assert found == expected(keys)
    assert watch.complete


@given(st.lists(st.lists(KEY, max_size=10), max_size=4), st.integers(1, 20))
def test_files_are_compared_with_each_other_in_groups(files: list[list[tuple[str, int]]], most: int) -> None:
    found = repeated_rows([[batch(keys)] for keys in files], FIELDS, sum(map(len, files)), most)
    every = expected([key for keys in files for key in keys])
    first = 0
    for number, keys in enumerate(files):
        assert found.get(number, []) == [place - first for place in every if first <= place < first + len(keys)]
        first += len(keys)


def test_without_key_nothing_is_repeated() -> None:
    assert KeyWatch(()).repeated(batch([("a", 1), ("a", 1)])) == []


def test_a_full_watch_says_that_it_did_not_compare() -> None:
    watch = KeyWatch(FIELDS, most=1)
    watch.repeated(batch([("a", 1)]))
    assert watch.complete
    assert watch.repeated(batch([("a", 1)])) == []
    assert not watch.complete


@pytest.mark.parametrize(("fields", "text"), [(["code"], "code:DUPLICATE"), (["a", "b"], "a+b:DUPLICATE")])
def test_the_reason_names_the_fields(fields: list[str], text: str) -> None:
    assert reason(fields) == text
