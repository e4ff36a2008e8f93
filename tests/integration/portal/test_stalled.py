"""Nothing leaves while evidence is not signed for: the door shuts past the grace, and opens when the log goes on."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.database import engine, transaction
from adapters.errors import Transient
from adapters.settings import Settings
from audit import standing
from audit.keys import SigningKey
from audit.queries import log_state
from audit.sequence import sequence
from exchange.grants.models import ReleaseRecord
from tests.integration.portal.test_files import CONTENT, MIB, Fetched, piece
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


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_download_under_way_ends_too_and_its_rest_is_fetched_when_the_log_goes_on(
    stalling: World, pieces: int
) -> None:
    """After all pieces but the last byte, what is missing is the hand-over alone; it is not committed either."""
    file = Fetched(stalling)
    sign(stalling.portal.settings)
    answer = file.get()
    taken = sum(len(piece(answer)) for _ in range(pieces))
    time.sleep(GRACE + standing.LOOK_AGAIN + 0.2)
    with pytest.raises(Transient) as caught:
        piece(answer)
    assert caught.value.code == "evidence.stalled"
    assert (file.state(), file.left(), file.delivered()) == ("PREPARED", [("ABORTED", taken)], [])
    assert stalling.evidence("release.aborted")[0]["data"]["after"]["reason"] == "evidence.stalled"
    sign(stalling.portal.settings)
    assert file.get(f"{min(taken, 2 * MIB)}-").get_data() == CONTENT[min(taken, 2 * MIB) :]
    assert file.state() == "DELIVERED"
