"""The quick yes never accepts what the full validator refuses, and accepts what it accepts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import contracts
from schemas.acceptance import acceptance

TEXT = st.sampled_from(["", " ", "a", "文", "a b", "x" * 63, "x" * 301, "1a", "a\n", "\t"]) | st.text(max_size=4)
ANYTHING = TEXT | st.none() | st.booleans() | st.integers(-2, 1002) | st.floats() | st.lists(TEXT, max_size=3)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "key": st.dictionaries(TEXT, TEXT | ANYTHING, max_size=9) | ANYTHING,
        "purpose": TEXT | ANYTHING,
        "matter": TEXT | ANYTHING,
        "items": st.lists(TEXT, max_size=4) | ANYTHING,
        "limit": st.integers(0, 1001) | ANYTHING,
        "more": ANYTHING,
    },
)
GOOD: dict[str, Any] = {"key": {"code": "1"}, "purpose": "用途", "matter": "办件-1"}


def full(name: str, body: Any) -> bool:
    return not list(contracts._validator(name).iter_errors(body))


@given(BODIES | ANYTHING)
def test_it_says_what_the_full_validator_says(body: Any) -> None:
    accepts = contracts._acceptance("record-query")
    assert accepts is not None
    assert accepts(body) == full("record-query", body)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"key": {}},
        {"key": {"code": 1}},
        {"key": {str(n): "1" for n in range(9)}},
        {"items": ["a", "a"]},
        {"items": ["a", "b"]},
        {"items": ["a\n"]},
        {"limit": True},
        {"limit": 5.0},
        {"limit": 1000},
        {"limit": 1001},
        {"matter": "a\nb"},
        {"purpose": " "},
        {"more": 1},
    ],
)
def test_each_rule_counts(changes: dict[str, Any]) -> None:
    accepts, body = contracts._acceptance("record-query"), GOOD | changes
    assert accepts is not None
    assert accepts(body) == full("record-query", body)


def test_a_contract_with_rules_unknown_here_is_left_to_the_full_validator() -> None:
    assert acceptance({"type": "string", "format": "date"}, contracts._referred) is None
    assert acceptance({"type": "array", "uniqueItems": True, "items": {"type": "object"}}, contracts._referred) is None
    assert contracts._acceptance("delivery-request") is None
