"""Several people at the same entry, or at the same counter, at the same moment."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from adapters.settings import Settings
from audit.actor import HUB
from audit.models import Evidence
from directory.catalogue.codes import next_code
from directory.catalogue.compile import draft_next_version
from directory.catalogue.models import ResourceVersion
from directory.catalogue.publish import publish_version
from directory.catalogue.review import approve_version
from directory.people.assign import assign_role
from directory.people.roles import SEPARATED, Role
from directory.people.sign_in import SignedIn, sign_in
from tests import factories

Opened = Callable[[], Session]


@pytest.fixture
def engine(fresh: dict[str, str]) -> Iterator[Engine]:
    made = create_engine(fresh["SHUNIU_APP_DATABASE_URL"], pool_size=10)
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session of the test's own database, where commits are commits."""
    with Session(engine) as made:
        yield made


@pytest.fixture
def opened(engine: Engine) -> Opened:
    """Makes further sessions on the same database, for what several do at once."""
    return lambda: Session(engine)


def at_once(opened: Opened, steps: Sequence[Callable[[Session], object]]) -> list[str]:
    """Run steps at the same moment, each in a transaction of its own; "" for one that was committed, else its error."""
    barrier = threading.Barrier(len(steps))

    def run(step: Callable[[Session], object]) -> str:
        with opened() as own:
            barrier.wait()
            try:
                step(own)
                own.commit()
            except (Conflict, IntegrityError) as error:
                own.rollback()
                return type(error).__name__
        return ""

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def test_two_publish_at_once_and_one_does(session: Session, opened: Opened) -> None:
    bureau = factories.agency(session)
    compiler = factories.official(session, bureau, Role.COMPILER)
    version_id = factories.version(session, bureau, "APPROVED").id
    session.commit()
    results = at_once(opened, [lambda own: publish_version(own, compiler, version_id)] * 4)
    assert sorted(results) == ["", "Conflict", "Conflict", "Conflict"]
    published = select(func.count()).where(Evidence.kind == "resource.published")
    assert session.scalar(published) == 1


def test_two_review_at_once_and_one_does(session: Session, opened: Opened) -> None:
    bureau = factories.agency(session)
    reviewers = [factories.official(session, bureau, Role.REVIEWER) for _ in range(3)]
    version = factories.version(session, bureau, "SUBMITTED")
    version_id = version.id
    session.commit()
    steps = [partial(approve_version, actor=reviewer, version_id=version_id) for reviewer in reviewers]
    assert sorted(at_once(opened, steps)) == ["", "Conflict", "Conflict"]
    session.refresh(version)
    assert (version.state, len(version.reviews)) == ("APPROVED", 1)


def test_two_start_the_next_version_and_one_does(session: Session, opened: Opened) -> None:
    bureau = factories.agency(session)
    compiler = factories.official(session, bureau, Role.COMPILER)
    resource_id = factories.published_resource(session, bureau).resource_id
    session.commit()
    steps = [lambda own: draft_next_version(own, compiler, resource_id, date(2026, 1, 1))] * 3
    assert sorted(at_once(opened, steps)) == ["", "Conflict", "Conflict"]
    numbers = session.scalars(select(ResourceVersion.number).order_by(ResourceVersion.number))
    assert list(numbers) == [1, 2]


def test_two_roles_that_do_not_go_together_given_at_once(session: Session, opened: Opened) -> None:
    operator = factories.agency(session, office="REGULATOR")
    person_id = factories.person(session, operator).id
    session.commit()
    steps = [partial(assign_role, actor=HUB, person_id=person_id, role=role) for role in SEPARATED]
    assert at_once(opened, steps).count("") == 1


@pytest.mark.parametrize("lost", [0, 5])
def test_codes_have_no_gaps_under_eight_threads(session: Session, opened: Opened, lost: int) -> None:
    taken: list[str] = []

    def take(number: int) -> None:
        with opened() as own:
            for turn in range(10):
                code = next_code(own, "307004")
                if turn < lost:
                    own.rollback()
                else:
                    taken.append(code)
                    own.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, range(8)))
    assert sorted(taken) == [f"307004/{number:06d}" for number in range(1, 8 * (10 - lost) + 1)]
    assert next_code(session, "107") == "107/000001"


def test_guesses_at_once_count_one_by_one(session: Session, rules: Settings, opened: Opened) -> None:
    someone = factories.account(session, factories.person(session, factories.agency(session)), "li.si")
    session.commit()

    def guess(number: int) -> bool:
        with opened() as own:
            answer = sign_in(own, "li.si", f"guess number {number}", "192.0.2.1", rules)
            own.commit()
            return isinstance(answer, SignedIn)

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(guess, range(8)))
    session.refresh(someone)
    assert someone.locked_until is not None
    refused = select(Evidence.body).where(Evidence.kind == "account.sign_in_refused")
    locked = [b'"reason":"locked"' in body for body in session.scalars(refused.order_by(Evidence.recorded_at))]
    assert locked == [False, False, False, True], "three guesses, and that it was locked, once"
