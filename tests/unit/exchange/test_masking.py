"""Masked values keep what the mask keeps and nothing more."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from exchange.masking import mask, mask_batch

KEY = bytes(range(32))


@given(st.text(min_size=1, max_size=40))
def test_last_four_and_the_length_are_all_that_stays(text: str) -> None:
    masked = mask(text, "KEEP_LAST_4", KEY)
    assert masked is not None
    if len(text) > 4:
        assert masked == "*" * (len(text) - 4) + text[-4:]
    else:
        assert set(masked) == {"*"}


@given(st.text(max_size=40), st.text(max_size=40))
def test_hashes_join_within_a_grant_and_not_across(one: str, other: str) -> None:
    assert (mask(one, "HASH", KEY) == mask(other, "HASH", KEY)) == (one == other)
    assert mask(one, "HASH", KEY) != mask(one, "HASH", KEY[::-1])


def test_year_only_and_nothing() -> None:
    assert mask("1985-06-01", "YEAR_ONLY", KEY) == "1985"
    assert mask(None, "HASH", KEY) is None


def test_a_batch_is_masked_by_column() -> None:
    batch = pa.RecordBatch.from_pydict({"id": ["110105194912310021", None], "n": [1, 2]})
    masked = mask_batch(batch, {"id": "KEEP_LAST_4"}, KEY)
    assert masked.to_pydict() == {"id": ["*" * 14 + "0021", None], "n": [1, 2]}
