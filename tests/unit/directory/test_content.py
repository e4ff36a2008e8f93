"""Whatever stands in a form, a workbook or a body: it is kept as it should be, or refused with its place."""

import contextlib
import uuid
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from directory.catalogue.content import checked_content
from tests.factories import entry, item

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
ENTRY_KEYS = sorted(set(entry()) - {"system_name"} | {"ground", "basis", "share_attribute"})
WORDS = st.sampled_from(["NO_SHARING", "ON_REQUEST", "STATE_SECRET", "IMAGE", "SERVICE", "LAW", "PERSON", "DATE"])
VALUES = st.one_of(JSON, WORDS)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(ENTRY_KEYS), VALUES, max_size=4),
    st.lists(st.dictionaries(st.sampled_from(sorted(item())), VALUES, max_size=4), max_size=3),
)
def test_nothing_but_a_refusal_comes_of_wrong_content(said: dict[str, Any], parts: list[dict[str, Any]]) -> None:
    items = [item(number + 1, **part) for number, part in enumerate(parts)]
    with contextlib.suppress(InvalidInput), Session() as session:
        content = checked_content(session, uuid.uuid4(), entry(**said), items)
        assert len(content.columns["name"]) <= 300
        for row in content.items:
            assert row["share_attribute"] != "NO_SHARING" or row["basis"]
            assert row["share_attribute"] != "ON_REQUEST" or row["share_condition"]


@given(JSON, JSON)
def test_any_shape_is_refused_or_fits(said: Any, parts: Any) -> None:
    with contextlib.suppress(InvalidInput), Session() as session:
        checked_content(session, uuid.uuid4(), said, parts)
