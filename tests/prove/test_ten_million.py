"""Any search of the auditor's desk over ten million entries is answered within 300 ms at the 95th percentile: by each
field alone, by each field with others, and for a data subject; and it is answered in full. Comparing the blind index
with as many entries takes little memory.

A combination of fields is asked too seldom for a percentile of its own, which would be its one slowest page; of each
the middle page counts.

``SHUNIU_PROVE_ENTRIES`` sets how many entries are made; ten million take about half an hour and 10 GB.
"""

import itertools
import os
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.paging import Page
from adapters.services.databases import connect
from adapters.settings import Settings
from audit.append import configure
from audit.models import Evidence
from audit.queries import indices
from audit.search import About, Search, _between, _conditions, search
from audit.search_index.build import index_next
from audit.search_index.read import Bounds
from audit.subjects.compared import index_follows_entries
from audit.subjects.models import EvidenceSubject
from audit.subjects.shown import shown
from tests.prove.data_subjects import fill_subjects, subjects
from tests.prove.entries import BEGINS, LASTS, Known, fill, known

ENTRIES = int(os.environ.get("SHUNIU_PROVE_ENTRIES", "10000000"))
MOST_MILLISECONDS = 300.0
MOST_GROWN = 200 << 20
DEEP_PAGES = 3
ROUNDS = 4
ABSENT = About(("NOBODY'S",))
KINDS = ("release.completed", "release.", "application.answered", "dispute.", "case_clock.turned", "nobody.did")
FIELDS = ("kind", "outcome", "agency_code", "person_id", "resource", "grant", "matter", "subject", "days")


@pytest.mark.timeout(14_400)
def test_every_search_over_ten_million_entries_is_quick(fresh: dict[str, str], capsys: Any) -> None:
    settings = Settings.load(fresh)
    with connect(fresh["SHUNIU_DATABASE_URL"]) as connection:
        fill(connection, ENTRIES)
        tokens = fill_subjects(connection, settings.sealing_key, ENTRIES)
    with Session(create_engine(fresh["SHUNIU_SEQUENCER_DATABASE_URL"], poolclass=NullPool)) as session:
        while index_next(session):
            session.commit()
    configure(settings.log_origin, settings.sealing_key)
    with Session(create_engine(fresh["SHUNIU_APP_DATABASE_URL"], poolclass=NullPool)) as session:
        took = measured(session, known())
        compared = answered_in_full(session, known())
        seconds, grown = blind_index_compared(session)
    with capsys.disabled():
        print(f"\n{ENTRIES} entries, {tokens} tokens of data subjects: milliseconds of a page by what was asked;")
        print(f"{compared} pages compared with a look at every entry")
        print(f"blind index compared in {seconds:.0f} s, with {grown >> 20} MiB more than before")
        print("\n".join(table(took)))
    slow = {name: percentile(times, 50) for name, times in took.items()}
    slow |= {f"{name}, 95 %": percentile(times, 95) for name, times in kinds_of_search(took).items()}
    assert {name: value for name, value in slow.items() if value >= MOST_MILLISECONDS} == {}
    assert grown < MOST_GROWN


def blind_index_compared(session: Session) -> tuple[float, int]:
    """Compare the blind index with all entries, of which only the deliveries made here are wrongly named in it.

    Returns:
        seconds it took, and by how many bytes the process's largest size grew.
    """
    wrong = select(func.count()).select_from(EvidenceSubject).join(Evidence, Evidence.id == EvidenceSubject.evidence_id)
    expected = session.scalar(wrong.where(Evidence.kind == "delivery.delivered"))
    before, began = largest_size(), time.perf_counter()
    assert sum(1 for _ in index_follows_entries(session)) == expected
    return time.perf_counter() - began, largest_size() - before


def largest_size() -> int:
    """The most bytes of memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def kinds_of_search(took: dict[str, list[float]]) -> dict[str, list[float]]:
    """The pages by each field alone, by each field with others, for a data subject, and all together."""
    kinds = {name: took[name] for name in (*FIELDS, "data subject")}
    kinds["every page"] = [each for times in took.values() for each in times]
    for field in FIELDS:
        named = (times for name, times in took.items() if field in name.split(" + "))
        kinds[f"{field} with others"] = [each for times in named for each in times]
    return kinds


def measured(session: Session, values: Known, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Milliseconds of every page, by the fields that were asked together."""
    took: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for wanted in asked(values):
            name = " + ".join(sorted(wanted)) or "everything"
            for each in _pages(session, partial(_found, session, Search(**with_days(wanted)))):
                took[name].append(each)
        for one in subjects():
            for each in _pages(session, partial(shown, session, one.kind, one.value)):
                took["data subject"].append(each)
    return took


def answered_in_full(session: Session, values: Known) -> int:
    """Compare first pages with what a look at every entry finds; how many were compared.

    Every twenty-ninth of the searches is: of each number of fields some, with frequent, rare and absent values.
    """
    searches = list(asked(values))[::29]
    for wanted in searches:
        about = Search(**with_days(wanted))
        tests = [condition.holds(Evidence.__table__.c) for condition in _conditions(session, about)]
        tests += _between(Bounds(about.since, about.until))
        newest = select(Evidence.id).where(*tests).order_by(Evidence.recorded_at.desc(), Evidence.id.desc()).limit(51)
        session.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL enable_indexscan = off"))
        expected = list(session.scalars(newest))
        session.rollback()
        page = search(session, about, limit=50)
        assert [entry.id for entry in page.items] == expected[:50], wanted
        assert (page.next_cursor is not None) == (len(expected) > 50), wanted
    return len(searches)


def _found(session: Session, wanted: Search, cursor: str | None) -> Page[Evidence]:
    page = search(session, wanted, cursor)
    indices(session, page.items)
    return page


def _pages(session: Session, page: Callable[[str | None], Page[Any]]) -> Iterator[float]:
    """Milliseconds of the first pages of a list."""
    cursor: str | None = None
    for _ in range(DEEP_PAGES):
        started = time.perf_counter()
        cursor = page(cursor).next_cursor
        yield (time.perf_counter() - started) * 1_000
        session.rollback()
        if cursor is None:
            return


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
        "resource": [*values.resources, values.wide, ABSENT],
        "grant": [*values.grants, ABSENT],
        "matter": [*values.matters, "application/none"],
        "subject": [*values.subjects, "grant/none"],
        "days": days,
    }


def with_days(wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of a ``Search`` for what is asked."""
    since, until = wanted.get("days", (None, None))
    return {name: value for name, value in wanted.items() if name != "days"} | {"since": since, "until": until}


def table(took: dict[str, list[float]]) -> Iterator[str]:
    """A line for all together, each field alone, the data subjects and the slowest combinations."""
    every = {"every page": [each for times in took.values() for each in times], **took}
    slowest = sorted(took, key=lambda name: -percentile(took[name], 95))[:15]
    for name in dict.fromkeys(["every page", "everything", *FIELDS, "data subject", *slowest]):
        times = every[name]
        figures = f"median {percentile(times, 50):6.1f}  p95 {percentile(times, 95):6.1f}  most {max(times):6.1f}"
        yield f"  {figures}  {len(times):5} pages  {name}"


def percentile(times: list[float], per_cent: int) -> float:
    """The value that so many per cent of them do not exceed."""
    return sorted(times)[max(0, -(-len(times) * per_cent // 100) - 1)]
