"""Forgeries in the tables of people, roles, sign-ins, reviews, systems, sources and clocks: each shows by its name."""

from datetime import date

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from adapters.clock import CaseClock
from adapters.settings import Settings
from audit.actor import HUB, Actor
from audit.append import append
from audit.reconcile import Reconciler
from directory import reconcilers
from directory.people.models import Account, RoleAssignment
from directory.people.sign_in import SignedIn, sign_in
from directory.systems.compared import addresses_follow_entries
from tests.factories import CHEAP_HASHES
from tests.integration.directory.forgeries import FORGERIES
from tests.integration.directory.story import WORDS, everything
from tests.integration.directory.test_reconcilers import FORGERIES as OTHER_FORGERIES
from tests.integration.directory.test_reconcilers import differences, otherwise_found


@pytest.fixture
def staff(session: Session, rules: Settings) -> list[Actor]:
    return everything(session, rules)


def test_right_work_leaves_no_difference(session: Session, staff: list[Actor]) -> None:
    assert differences(session) == set()


@pytest.mark.parametrize("part", range(4))
def test_each_forgery_shows_by_its_name(session: Session, staff: list[Actor], part: int) -> None:
    assert otherwise_found(session, FORGERIES[part::4]) == []


def test_another_code_of_a_resource_shows(session: Session, staff: list[Actor]) -> None:
    session.execute(text("UPDATE resource SET code = code || '9'"))
    assert differences(session) == {"resource_version-content", "source-content"}


def test_a_hash_made_anew_at_a_sign_in_is_no_forgery(session: Session, staff: list[Actor], rules: Settings) -> None:
    account = session.scalars(select(Account).where(Account.login == "person4")).one()
    account.password_hash = CHEAP_HASHES.hash(WORDS)
    assert differences(session) == {"account-content"}
    assert isinstance(sign_in(session, "person4", WORDS, "", rules), SignedIn)
    assert differences(session) == set()


def test_entries_from_before_say_nothing_against_a_row(session: Session, staff: list[Actor]) -> None:
    """A password set by an entry that does not tell its digest: what earlier entries tell counts no more."""
    account = session.scalars(select(Account).where(Account.login == "person1")).one()
    append(session, "account.password_reset", f"account/{account.id}", HUB)
    session.execute(update(Account).where(Account.id == account.id).values(password_hash="another"))
    assert differences(session) == set()


def test_roles_of_entries_from_before_are_compared_without_their_day(session: Session, staff: list[Actor]) -> None:
    person = session.scalars(select(Account.person_id).where(Account.login == "person3")).one()
    append(session, "role.assigned", f"person/{person}", HUB, after={"role": "REQUESTER"})
    assert differences(session) == {"role"}
    session.add(RoleAssignment(person_id=person, role="REQUESTER", held_from=date(2026, 1, 1)))
    assert differences(session) == set()
    session.execute(text("UPDATE role_assignment SET held_to = held_from WHERE role = 'REQUESTER'"))
    assert differences(session) == {"role"}


def test_a_clock_that_no_entry_turned_shows(session: Session) -> None:
    session.add(CaseClock(id=1, offset_seconds=60))
    assert differences(session) == {"case_clock"}


def test_every_reconciler_of_the_directory_has_a_forgery(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Reconciler] = {}
    monkeypatch.setattr(reconcilers, "register", found.__setitem__)
    reconcilers.register_reconcilers()
    assert set(found) == {name for _, names in (*OTHER_FORGERIES, *FORGERIES) for name in names.split()}


def test_a_planted_host_is_told_as_it_is(session: Session, staff: list[Actor]) -> None:
    session.flush()
    planted = (
        "INSERT INTO system_address (id, system_id, host, port, added_at)"
        " SELECT gen_random_uuid(), id, '{x}{}', 22, now() FROM system"
    )
    session.execute(text(planted))
    assert {each.sentence.partition(" has ")[2] for each in addresses_follow_entries(session)} >= {
        "the address {x}{}:22 in force, and its entries say otherwise."
    }
