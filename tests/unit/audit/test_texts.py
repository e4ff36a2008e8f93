"""What counts as the text of an entry, so that pages can show it."""

from typing import Any

import orjson
import pytest

from adapters.clock import city_date
from audit.texts import case_time, entry_text

ACTOR: dict[str, Any] = {"agency": None, "person": None, "roles": [], "client": None}
DATA = {"outcome": "DONE", "actor": ACTOR, "matter": None, "authority": None, "before": None, "after": None}
ENTRY = {"id": "1", "time": "2026-01-01T00:00:00Z", "type": "t", "subject": "s", "source": "urn:shuniu:x"}


def body(actor: object = ACTOR, **changes: object) -> bytes:
    return orjson.dumps(ENTRY | {"data": DATA | {"personal": None, "case_time": None, "actor": actor} | changes})


@pytest.mark.parametrize(
    "whole",
    [
        body(),
        body(ACTOR | {"roles": ["AUDITOR"], "agency": "A", "person": "p"}, after={"x": 1}, before={}),
        body(case_time="2026-01-01T08:00:00+08:00", authority="grant/1", personal="00"),
        body(case_time="0001-01-01T00:00:00Z"),
    ],
)
def test_an_entry_is_one(whole: bytes) -> None:
    assert entry_text(whole) == orjson.loads(whole)


@pytest.mark.parametrize(
    "falsified",
    [
        b"",
        b"no text",
        b"[]",
        b"5",
        b"\xff",
        b'{"data":{}}',
        b'{"data":{"actor":{"roles":5}}}',
        b'{"data":[]}',
        b"[" * 5_000,
        body([]),
        body("x"),
        body(ACTOR | {"roles": 5}),
        body(ACTOR | {"roles": [5]}),
        body(ACTOR | {"roles": "AUDITOR"}),
        body(ACTOR | {"agency": 5}),
        body(authority=7),
        body(matter=[]),
        body(after=[]),
        body(before="x"),
        body(case_time=5),
        body(case_time="x"),
        body(case_time="0001-01-01T00:00:00+10:00"),
        body(case_time="9999-12-31T23:00:00Z"),
        body(case_time="10000-01-01T00:00:00Z"),
    ],
)
def test_what_pages_cannot_show_is_none(falsified: bytes) -> None:
    assert entry_text(falsified) is None


def test_a_moment_of_the_case_clock_is_one_that_the_citys_clock_can_show() -> None:
    moment = case_time("2026-01-01T20:00:00Z")
    assert moment is not None
    assert city_date(moment).isoformat() == "2026-01-02"
    others: list[object] = [None, "", 5, "x", [], "9999-12-31T23:00:00Z"]
    assert [case_time(each) for each in others] == [None] * len(others)
