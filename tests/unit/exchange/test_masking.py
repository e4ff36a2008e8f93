"""Masked values keep what the mask keeps and nothing more."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from exchange.masking import mask, mask_batch, stricter
from schemas.words import Masking

KEY = bytes(range(32))


@given(st.text(min_size=1, max_size=40))
def test_at_most_the_last_four_and_half_of_the_text_stay_and_its_length(text: str) -> None:
    masked = mask(text, "KEEP_LAST_4", KEY)
    assert masked is not None
    assert len(masked) == len(text)
    hidden = max(len(text) - 4, (len(text) + 1) // 2)
    assert masked == "*" * hidden + text[hidden:]


def test_short_numbers_show_half_at_most() -> None:
    shown = {text: mask(text, "KEEP_LAST_4", KEY) for text in ("1", "12345", "1234567", "12345678", "123456789")}
    assert list(shown.values()) == ["*", "***45", "****567", "****5678", "*****6789"]


@given(*[st.none() | st.sampled_from(Masking)] * 2)
def test_of_two_maskings_neither_shows_less_than_what_applies(one: str | None, other: str | None) -> None:
    both = stricter(one, other)
    assert both == stricter(other, one)
    assert both in ({one, other} - {None} or {None}) | {"HASH"}
    assert (both is None) == (one is None and other is None)
    assert both == "HASH" or {one, other} <= {both, None}


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
