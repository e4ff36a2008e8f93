"""The made register: the same every time, right but for the rows that are bad on purpose."""

from collections import Counter
from datetime import date

import pytest

from portal.demo.made_data import COLUMNS, FLAWS, Flaw, Register, Row
from schemas.identifiers import credit_code, resident_id

SMALL = Register(rows=4_000)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """A small register."""
    return list(SMALL)


def test_the_same_seed_makes_the_same_rows(rows: list[Row]) -> None:
    assert list(Register(rows=4_000)) == rows
    assert list(Register(rows=4_000, seed=1)) != rows


def test_every_flaw_is_there_as_often_as_said_and_nothing_else_is_wrong(rows: list[Row]) -> None:
    found: Counter[Flaw] = Counter()
    seen: set[object] = set()
    for values in rows:
        row = dict(zip(COLUMNS, values, strict=True))
        found[Flaw.CREDIT_CODE] += bool(credit_code.check(str(row["credit_code"])))
        found[Flaw.RESIDENT_ID] += not resident_id.is_valid(str(row["representative_id"]))
        found[Flaw.NAME] += row["name"] is None
        found[Flaw.DATE] += not _is_date(str(row["established_on"]))
        found[Flaw.DUPLICATE] += row["credit_code"] in seen
        seen.add(row["credit_code"])
    assert found == SMALL.flaws
    assert sum(found.values()) == SMALL.bad_rows < len(rows)


def test_the_full_register_has_the_flaws_it_tells() -> None:
    assert Register().flaws == FLAWS


def test_no_code_can_be_anybodys(rows: list[Row]) -> None:
    assert {str(row[0])[2:8] for row in rows} == {"319900"}
    assert {str(row[3])[:6] for row in rows} == {"319900"}


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
