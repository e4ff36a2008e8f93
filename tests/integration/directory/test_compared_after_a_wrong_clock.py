"""Tables beside entries that were written while the system clock ran ahead: the log's numbers tell the last."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import CaseClock
from adapters.settings import Settings
from audit import sequence
from audit.actor import HUB
from directory.case_clock.compared import clock_follows_entries
from directory.case_clock.turn import turn
from directory.people.accounts import freeze
from directory.people.compared import sign_ins_end
from directory.people.models import SignIn
from directory.people.secrets import token_hash
from directory.people.sign_in import SignedIn, sign_in
from tests import factories
from tests.integration.audit.test_clock_corrected import clock
from tests.integration.portal.test_api_evidence import sequenced


@pytest.fixture
def settings(fresh: dict[str, str]) -> Settings:
    return replace(Settings.load(fresh), case_clock_turnable=True)


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    """In a database of the test's own, since entries are to be numbered."""
    with Session(create_engine(settings.app_database_url, poolclass=NullPool)) as opened:
        yield opened


def test_a_case_clock_turned_while_the_clock_ran_ahead_and_again_is_where_it_was_turned_last(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock(monkeypatch, timedelta(hours=2)):
        turn(session, HUB, 60, settings)
        session.commit()
        sequenced(settings)
    turn(session, HUB, 5, settings)
    session.commit()
    assert list(clock_follows_entries(session)) == [], "an entry that waits is newer than those with a number"
    monkeypatch.setattr(sequence, "dated_back", lambda session, last: True)
    sequenced(settings)
    assert list(clock_follows_entries(session)) == []
    session.execute(update(CaseClock).values(offset_seconds=60))
    assert [(each.expected, each.found) for each in clock_follows_entries(session)] == [("65", "60")]


def test_a_sign_in_after_an_unfreezing_lives_also_where_the_clock_ran_ahead(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = factories.account(session, factories.person(session, factories.agency(session)), "person")
    with clock(monkeypatch, -timedelta(minutes=10)):
        assert isinstance(before := sign_in(session, "person", factories.PASSWORD, "", settings), SignedIn)
        session.commit()
        sequenced(settings)
    with clock(monkeypatch, timedelta(hours=2)):
        freeze(session, HUB, account, "核查")
        session.commit()
        sequenced(settings)
    account.frozen_at = None
    assert isinstance(sign_in(session, "person", factories.PASSWORD, "", settings), SignedIn)
    session.commit()
    assert list(sign_ins_end(session)) == [], "an entry that waits is newer than those with a number"
    monkeypatch.setattr(sequence, "dated_back", lambda session, last: True)
    sequenced(settings)
    assert list(sign_ins_end(session)) == []
    session.execute(update(SignIn).where(SignIn.token_hash == token_hash(before.token)).values(ended_at=None))
    assert [each.expected for each in sign_ins_end(session)] == ["account.frozen"]
