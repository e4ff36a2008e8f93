"""The door shut by a clock that went back, and what people may still do while it is shut."""

import time
from datetime import timedelta

from sqlalchemy import create_engine, func, select, update
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit import standing
from audit.models import Evidence, EvidenceQueue, LogCheckpoint
from tests.integration.portal.conftest import _no_connections_left, portal, portal_settings, shared_portal, world
from tests.integration.portal.test_stalled import GRACE, sign, stalling
from tests.integration.portal.world import World, refused

__all__ = ["_no_connections_left", "portal", "portal_settings", "shared_portal", "stalling", "world"]


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
