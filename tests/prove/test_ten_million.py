"""Any search of the auditor's desk over ten million entries is answered within 300 ms at the 95th percentile.

``SHUNIU_PROVE_ENTRIES`` sets how many entries are made; ten million take about half an hour and 8 GB.
"""

import itertools
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.services.databases import connect
from audit.queries import indices
from audit.search import About, Search, search
from tests.prove.entries import BEGINS, LASTS, Known, fill, known

ENTRIES = int(os.environ.get("SHUNIU_PROVE_ENTRIES", "10000000"))
MOST_MILLISECONDS = 300.0
DEEP_PAGES = 3
ABSENT = About(("NOBODY'S",))
KINDS = ("release.completed", "release.", "application.answered", "dispute.", "case_clock.turned", "nobody.did")
FIELDS = ("kind", "outcome", "agency_code", "person_id", "resource", "grant", "matter", "subject", "days")


@pytest.mark.timeout(7_200)
def test_every_search_over_ten_million_entries_is_quick(fresh: dict[str, str], capsys: Any) -> None:
    with connect(fresh["SHUNIU_DATABASE_URL"]) as connection:
        fill(connection, ENTRIES)
    own = create_engine(fresh["SHUNIU_APP_DATABASE_URL"], poolclass=NullPool)
    with Session(own) as session:
        took = measured(session, known())
    with capsys.disabled():
        print(f"\n{ENTRIES} entries: milliseconds of a page by what was asked")
        print("\n".join(table(took)))
    groups = {"every search": took["every search"]} | {
        f"with {field}": [each for name, times in took.items() if field in name.split(" + ") for each in times]
        for field in FIELDS
    }
    slow = {name: percentile(times, 95) for name, times in groups.items()}
    assert {name: value for name, value in slow.items() if value >= MOST_MILLISECONDS} == {}


def measured(session: Session, values: Known) -> dict[str, list[float]]:
    """Milliseconds of every page, by the fields that were asked together."""
    took: dict[str, list[float]] = defaultdict(list)
    for wanted in asked(values):
        name = " + ".join(sorted(wanted)) or "everything"
        cursor: str | None = None
        for _ in range(DEEP_PAGES):
            started = time.perf_counter()
            page = search(session, Search(**_with_days(wanted)), cursor)
            indices(session, page.items)
            took[name].append((time.perf_counter() - started) * 1_000)
            took["every search"].append(took[name][-1])
            session.rollback()
            cursor = page.next_cursor
            if cursor is None:
                break
    return took


def asked(values: Known) -> Iterator[dict[str, Any]]:
    """Searches: none, each field alone, every pair and triple of fields, frequent, rare and absent values in turn."""
    choices = _choices(values)
    yield {}
    for field in FIELDS:
        yield from ({field: value} for value in choices[field])
    for number, pair in enumerate(itertools.combinations(FIELDS, 2)):
        first, second = (choices[field] for field in pair)
        yield from (dict(zip(pair, chosen, strict=True)) for chosen in itertools.product(first[:3], second[:3]))
        yield {pair[0]: first[number % len(first)], pair[1]: second[-1 - number % len(second)]}
    for size in range(3, len(FIELDS) + 1):
        for number, fields in enumerate(itertools.combinations(FIELDS, size)):
            yield {field: choices[field][0] for field in fields}
            yield {field: choices[field][(number + place) % len(choices[field])] for place, field in enumerate(fields)}


def _choices(values: Known) -> dict[str, list[Any]]:
    """Values of each field: the most frequent ones first, then rarer ones, absent ones last."""
    newest = BEGINS + LASTS
    days: list[tuple[datetime, datetime]] = [
        (newest - timedelta(days=30), newest),
        (newest - timedelta(days=400), newest - timedelta(days=370)),
        (BEGINS, newest - timedelta(days=700)),
        (newest - timedelta(days=501), newest - timedelta(days=500)),
        (BEGINS - timedelta(days=30), BEGINS - timedelta(days=1)),
    ]
    return {
        "kind": list(KINDS),
        "outcome": ["REFUSED", "DONE", "FAILED"],
        "agency_code": [*values.agencies, "NOBODY"],
        "person_id": list(values.people),
        "resource": [*values.resources, ABSENT],
        "grant": [*values.grants, ABSENT],
        "matter": [*values.matters, "application/none"],
        "subject": [*values.subjects, "grant/none"],
        "days": days,
    }


def _with_days(wanted: dict[str, Any]) -> dict[str, Any]:
    since, until = wanted.get("days", (None, None))
    return {name: value for name, value in wanted.items() if name != "days"} | {"since": since, "until": until}


def table(took: dict[str, list[float]]) -> Iterator[str]:
    """A line for each field alone, for everything together and for the slowest combinations."""
    slowest = sorted(took, key=lambda name: -percentile(took[name], 95))[:15]
    for name in dict.fromkeys(["every search", "everything", *FIELDS, *slowest]):
        times = took[name]
        figures = f"median {percentile(times, 50):6.1f}  p95 {percentile(times, 95):6.1f}  most {max(times):6.1f}"
        yield f"  {figures}  {len(times):5} pages  {name}"


def percentile(times: list[float], per_cent: int) -> float:
    """The value that so many per cent of them do not exceed."""
    return sorted(times)[max(0, -(-len(times) * per_cent // 100) - 1)]
