"""Whatever a grant says and whatever is asked: what the readers let out lies within the release, row by row."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from adapters.settings import Settings
from audit.append import configure
from exchange import release as door
from exchange.errors import ReleaseRefused
from exchange.masking import mask
from exchange.modes import interface
from exchange.readers import batches, page_of_rows, rows_by_key
from exchange.release import Release
from schemas.words import Mode
from tests.integration.exchange.test_release import ROWS, Case, case  # noqa: F401  # the fixture

FIELDS = ("field_1", "field_2", "field_3")
LOADED: list[dict[str, str]] = ROWS.to_pylist()
NAMES = st.lists(st.sampled_from(FIELDS), unique=True)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """A row condition over any item, granted or not."""
    if draw(st.booleans()):
        return {}
    field = draw(st.sampled_from(FIELDS))
    known = st.sampled_from([row[field] for row in LOADED] + ["nobody's"])
    operator = draw(st.sampled_from(["EQUALS", "IN", "PREFIX"]))
    most = 1 if operator == "EQUALS" else 3
    return {"field": field, "operator": operator, "values": draw(st.lists(known, min_size=1, max_size=most))}


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    configure(settings.log_origin, settings.sealing_key)
    door.configure(b"secret of the tests")


def allowed(release: Release) -> Iterator[tuple[str | None, ...]]:
    """The loaded rows that a release covers, masked, in its items' order; written anew, without the readers."""
    condition = release.row_condition
    for row in LOADED:
        value = row[condition["field"]] if condition else ""
        prefix = condition and condition["operator"] == "PREFIX"
        if condition and not (value.startswith(tuple(condition["values"])) if prefix else value in condition["values"]):
            continue
        yield tuple(
            mask(row[item.field_name], item.masking, release.masking_key) if item.masking else row[item.field_name]
            for item in release.items
        )


def let_out(release: Release, settings: Settings, key: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """What each reader gives for the release."""
    yield [row for batch in batches(release, settings) for row in batch.to_pylist()]
    yield [row for _, row in page_of_rows(release, settings, None, 50)[0]]
    try:
        yield rows_by_key(release, settings, key, 50)[0]
    except ReleaseRefused:
        assert not key or not set(key) <= {item.field_name for item in release.items if item.masking is None}


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    granted=NAMES.filter(bool),
    asked=NAMES,
    condition=conditions(),
    quota=st.none() | st.integers(0, 5),
    key=st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["a", "b", "甲", "13800000001"]), max_size=2),
)
def test_readers_let_out_no_more_than_the_release(
    session: Session,
    settings: Settings,
    case: Case,  # noqa: F811  # the fixture
    granted: list[str],
    asked: list[str],
    condition: dict[str, Any],
    quota: int | None,
    key: dict[str, str],
) -> None:
    case.grant.items, case.grant.row_condition = granted, condition
    case.grant.quota_rows, case.grant.used_rows = quota, 0
    session.commit()
    request = case.request(Mode.INTERFACE, items=tuple(asked))
    if quota == 0 or not set(asked) <= set(granted):
        with pytest.raises(ReleaseRefused):
            door.check(session, case.grant.id, request)
        return
    release = door.check(session, case.grant.id, request)
    assert set(release.fields) == set(asked or granted)
    within = list(allowed(release))
    for rows in let_out(release, settings, key):
        assert all(tuple(row) == release.fields for row in rows)
        values = [tuple(row.values()) for row in rows]
        assert len(values) == len(set(values)) <= (len(LOADED) if quota is None else quota)
        assert set(values) <= set(within)
    if set(key) <= {item.field_name for item in release.items if item.masking is None} and key:
        answer = interface.look_up(session, settings, case.grant.id, request, key)
        assert {tuple(row.values()) for row in json.loads(answer.body)["rows"]} <= set(within)
