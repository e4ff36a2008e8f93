"""Repeated keys: the first row stays, every later one is found, whatever the cut and however little is remembered."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.fixed_keys import FixedKeys
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


@given(
    st.lists(st.text("ab", min_size=1, max_size=2) | st.none(), max_size=30)
    | st.lists(st.text("abc", min_size=3, max_size=3), max_size=60),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_text_of_one_width_or_of_several_is_compared_alike(keys: list[str | None], cuts: list[int]) -> None:
    watch, found = KeyWatch(["code"]), []
    for low, high in pairwise([0, *sorted(min(cut, len(keys)) for cut in cuts), len(keys)]):
        # A slice: its values do not begin where its memory does.
        whole = pa.record_batch([pa.array(keys, pa.string())], names=["code"])
        found += [low + place for place in watch.repeated(whole.slice(low, high - low))]
    assert found == [place for place, key in enumerate(keys) if key in keys[:place]]


def test_a_table_of_keys_grows_and_finds_what_it_held_before() -> None:
    keys = FixedKeys(18)
    rows = np.frombuffer(b"".join(b"%018d" % number for number in range(200_000)), np.uint8).reshape(-1, 18)
    for start in range(0, len(rows), 30_000):
        assert keys.repeated(rows[start : start + 30_000]) == []
    assert keys.repeated(rows[[199_999, 5, 5]]) == [0, 1, 2]
    assert keys.texts()[:2] == ["000000000000000000", "000000000000000001"]
