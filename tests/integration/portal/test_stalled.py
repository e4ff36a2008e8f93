"""Nothing leaves while evidence is not signed for: the door shuts past the grace, and opens when the log goes on."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.database import engine, transaction
from adapters.settings import Settings
from audit import standing
from audit.keys import SigningKey
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
