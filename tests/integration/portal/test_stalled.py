"""Nothing leaves while evidence is not signed for: the door shuts past the grace, and opens when the log goes on."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select, update
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import engine, transaction
from adapters.settings import Settings
from audit import standing
from audit.keys import SigningKey
from audit.models import Evidence, EvidenceQueue, LogCheckpoint
from audit.queries import log_state
from audit.sequence import sequence
from exchange.grants.models import ReleaseRecord
from tests.integration.portal.world import World, refused

GRACE = 2


@pytest.fixture
def stalling(world: World) -> Iterator[World]:
    """A city whose log may be two seconds behind, and whose entries so far are signed for."""
    standing.configure(GRACE)
    sign(world.portal.settings)
    yield world
    standing.configure(600)


def sign(settings: Settings) -> None:
    """Do what the worker does."""
    key = SigningKey.from_setting(settings.log_origin, settings.log_key)
    with transaction(settings.sequencer_database_url) as session:
        while sequence(session, key, settings.log_origin):
            pass
    engine(settings.sequencer_database_url).dispose()
    time.sleep(standing.LOOK_AGAIN + 0.1)


def test_the_door_shuts_past_the_grace_and_opens_when_the_log_goes_on(stalling: World) -> None:
    assert stalling.look_up(stalling.asks).status_code == 200
    time.sleep(GRACE + standing.LOOK_AGAIN + 0.2)
    answer = stalling.look_up(stalling.asks)
    assert refused(answer) == (503, "evidence.stalled")
    with Session(stalling.session.get_bind()) as session:
        assert log_state(session).standing.stopped
        assert session.scalar(select(func.count()).select_from(ReleaseRecord)) == 1
    sign(stalling.portal.settings)
    assert stalling.look_up(stalling.asks).status_code == 200


def test_a_clock_that_went_back_shuts_it_too(stalling: World) -> None:
    assert stalling.look_up(stalling.asks).status_code == 200
    sign(stalling.portal.settings)
    owner = create_engine(stalling.portal.settings.database_url)
    with Session(owner) as session, session.begin():
        session.execute(update(LogCheckpoint).values(signed_at=system_now() + timedelta(minutes=5)))
    owner.dispose()
    time.sleep(standing.LOOK_AGAIN + 0.1)
    assert refused(stalling.look_up(stalling.asks)) == (503, "evidence.stalled")


def test_what_a_person_does_goes_on_and_is_recorded(stalling: World) -> None:
    """Only deliveries stop: whoever has to mend the hub must be able to act, and every act waits as evidence."""
    assert stalling.look_up(stalling.asks).status_code == 200
    time.sleep(GRACE + standing.LOOK_AGAIN + 0.2)
    assert refused(stalling.look_up(stalling.asks)) == (503, "evidence.stalled")
    before = stalling.session.scalar(select(func.count()).select_from(Evidence))
    stalling.case.draft()
    stalling.session.commit()
    assert stalling.session.scalar(select(func.count()).select_from(Evidence)) == (before or 0) + 1
    assert stalling.session.scalar(select(func.count()).select_from(EvidenceQueue))
