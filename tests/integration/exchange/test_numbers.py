"""Document numbers: no gap and no double, whoever takes them and whatever is rolled back."""

import random
import re
import threading

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.agencies.models import Agency
from exchange.numbers.allocate import Document, allocate, next_number
from exchange.numbers.models import DocumentCounter
from tests import factories
from tests.integration.exchange.conftest import Case

THREADS, EACH = 8, 12


def test_eight_threads_with_rollbacks_leave_no_gap(committed_case: Case) -> None:
    agency_id, engine = committed_case.requester.id, committed_case.session.get_bind()
    committed_case.session.commit()
    kept: list[str] = []
    failed: list[BaseException] = []

    def take(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(EACH):
                with Session(engine) as session:
                    number = allocate(session, agency_id, "SWJ", Document.APPLICATION, 2026)
                    if chance.random() < 0.4:
                        session.rollback()
                    else:
                        session.commit()
                        kept.append(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=take, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(kept) == [f"SWJ-SQ-2026-{n:04d}" for n in range(1, len(kept) + 1)]
    assert 0 < len(kept) < THREADS * EACH


def test_agencies_kinds_and_years_count_apart(case: Case) -> None:
    other = factories.agency(case.session)

    def take(agency: Agency, kind: Document, year: int) -> str:
        return allocate(case.session, agency.id, agency.short_code, kind, year)

    code = case.requester.short_code
    assert take(case.requester, Document.APPLICATION, 2026) == f"{code}-SQ-2026-0001"
    assert take(case.requester, Document.APPLICATION, 2026) == f"{code}-SQ-2026-0002"
    assert take(case.requester, Document.NEED, 2026) == f"{code}-XQ-2026-0001"
    assert take(case.requester, Document.APPLICATION, 2027) == f"{code}-SQ-2027-0001"
    assert take(other, Document.APPLICATION, 2026) == f"{other.short_code}-SQ-2026-0001"
    assert next_number(case.session, other, Document.APPLICATION) == f"{other.short_code}-SQ-2026-0002"


def test_past_ten_thousand_the_number_grows(case: Case) -> None:
    agency = case.requester
    case.session.add(DocumentCounter(agency_id=agency.id, kind=Document.GRANT, year=2026, last=9_999))
    case.session.flush()
    assert allocate(case.session, agency.id, "SWJ", Document.GRANT, 2026) == "SWJ-SX-2026-10000"
    counters = select(DocumentCounter.last).where(DocumentCounter.agency_id == agency.id)
    assert case.session.scalar(counters.execution_options(populate_existing=True)) == 10_000


def test_the_letters_of_the_kinds_differ() -> None:
    assert len(set(Document)) == len(Document) == 8
    assert all(re.fullmatch("[A-Z]{2}", kind) for kind in Document)
